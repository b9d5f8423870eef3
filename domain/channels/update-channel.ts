import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type ChannelRow, toChannel } from "./row.ts";
import type { Channel, ChannelPatch } from "./schema.ts";

/**
 * Changes a channel. When it is disabled, what waits to be delivered to it is cancelled; when its receiver is changed,
 * the sweep is due, which tries that now. Throws `not_found`.
 */
export async function updateChannel(sql: Sql, { id, patch }: { id: string; patch: ChannelPatch }): Promise<Channel> {
  const isDefault = patch.default === undefined ? null : (patch.default ?? true);
  const systemAlerts = patch.systemAlerts === undefined ? null : (patch.systemAlerts ?? false);
  const [row] = await sql<ChannelRow>`
    with updated as (
      update channels
      set name = coalesce(${patch.name ?? null}, name),
        is_default = coalesce(${isDefault}::boolean, is_default),
        system_alerts = coalesce(${systemAlerts}::boolean, system_alerts),
        config = config || ${JSON.stringify(patch.config ?? {})}::text::jsonb,
        disabled = coalesce(${patch.disabled ?? null}::boolean, disabled),
        updated_at = app_now()
      where id = ${id} and deleted_at is null
      returning *
    )
    select *,
      case when disabled then cancel_deliveries(array(
        select id from deliveries where channel_id = ${id} and status = 'pending'
      )) end,
      case when ${patch.config !== undefined}::boolean then wake_schedule('sweep-deliveries') end
    from updated`;
  return toChannel(orNotFound(row, "channel"));
}
