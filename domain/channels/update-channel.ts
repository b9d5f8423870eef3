import { invalidRequest } from "../../runtime/api/problem.ts";
import { validate } from "../../runtime/api/validate.ts";
import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { StillupError } from "../../runtime/errors.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { keepSecrets } from "../shared/secrets.ts";
import { findChannelType } from "./find-type.ts";
import { type ChannelRow, toChannel } from "./row.ts";
import { type Channel, type ChannelPatch, configOf } from "./schema.ts";
import { unknownType } from "./unknown-type.ts";

const MAX_READS = 5;

type ChannelConfig = ChannelRow["config"];

/**
 * Changes a channel. When it is disabled, its pending deliveries are cancelled; when its config is changed, the sweep is
 * due, which sends them now. The whole config that comes of it must be valid; another change in between is not
 * overwritten, but changed in turn. Throws StillupError `not_found`, `invalid_request`, `conflict`, or `wrong_state` for
 * a channel type of a newer release.
 */
export async function updateChannel(sql: Sql, { id, patch }: { id: string; patch: ChannelPatch }): Promise<Channel> {
  for (let reads = 0; reads < MAX_READS; reads++) {
    const [row] = await sql<ChannelRow>`select * from channels where id = ${id} and deleted_at is null`;
    const before = orNotFound(row, "channel");
    refuseOtherType(before, patch.type);
    const config = patch.config === undefined ? null : changedConfig(before, patch.config);
    const updated = await write(sql, before, { patch, config });
    if (updated !== undefined) return toChannel(updated);
  }
  throw new StillupError("conflict", "Other requests keep changing this channel. Read it and try again.");
}

function refuseOtherType({ type }: ChannelRow, wanted: string | undefined): void {
  if (wanted === undefined || wanted === type) return;
  const message = `type must be "${type}", because a channel's type cannot change; add another channel instead`;
  throw invalidRequest([{ field: "type", message }]);
}

function changedConfig(before: ChannelRow, patch: ChannelConfig): ChannelConfig {
  const channelType = findChannelType(before.type);
  if (channelType === undefined) throw unknownType(before.type);
  const merged = { ...before.config, ...patch };
  const kept = keepSecrets(merged, before.config, { secrets: channelType.secrets, where: "config" });
  const result = validate(configOf(channelType), kept, "config");
  if (!result.ok) throw invalidRequest(result.errors);
  return result.value;
}

/** Undefined when the channel was deleted, or its config changed, since it was read. */
async function write(
  sql: Sql,
  read: ChannelRow,
  { patch, config }: { patch: ChannelPatch; config: ChannelConfig | null },
): Promise<ChannelRow | undefined> {
  const isDefault = patch.default === undefined ? null : (patch.default ?? true);
  const systemAlerts = patch.systemAlerts === undefined ? null : (patch.systemAlerts ?? false);
  const [row] = await sql<ChannelRow>`
    with updated as (
      update channels
      set name = coalesce(${patch.name ?? null}, name),
        is_default = coalesce(${isDefault}::boolean, is_default),
        system_alerts = coalesce(${systemAlerts}::boolean, system_alerts),
        config = coalesce(${config === null ? null : JSON.stringify(config)}::text::jsonb, config),
        disabled = coalesce(${patch.disabled ?? null}::boolean, disabled),
        updated_at = app_now()
      where id = ${read.id} and deleted_at is null
        and (${config === null}::boolean or config = ${JSON.stringify(read.config)}::text::jsonb)
      returning *
    )
    select *,
      case when disabled then cancel_deliveries(array(
        select id from deliveries where channel_id = ${read.id} and status = 'pending'
      )) end,
      case when ${config !== null}::boolean then wake_schedule('sweep-deliveries') end
    from updated`;
  return row;
}
