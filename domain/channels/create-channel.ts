import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { keepSecrets } from "../shared/secrets.ts";
import { findChannelType } from "./find-type.ts";
import { type ChannelRow, toChannel } from "./row.ts";
import type { Channel, ChannelInput } from "./schema.ts";
import { unknownType } from "./unknown-type.ts";

/**
 * Adds a channel. Its secrets, given or made, are in this answer alone. Throws StillupError `invalid_request` for a
 * secret that is only a mask.
 */
export async function createChannel(sql: Sql, input: ChannelInput): Promise<Channel> {
  const channelType = findChannelType(input.type);
  if (channelType === undefined) throw unknownType(input.type);
  const config = keepSecrets(input.config, {}, { secrets: channelType.secrets, where: "config" });
  const [row] = await sql<ChannelRow>`
    insert into channels (name, type, is_default, system_alerts, config)
    values (${input.name}, ${input.type}, ${input.default}, ${input.systemAlerts}, ${JSON.stringify(config)}::text::jsonb)
    returning *`;
  return { ...toChannel(orNotFound(row, "channel")), config };
}
