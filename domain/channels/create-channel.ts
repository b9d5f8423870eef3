import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type ChannelRow, toChannel } from "./row.ts";
import type { ChannelInput, CreatedChannel } from "./schema.ts";

const SECRET_BYTES = 32;

/** Adds a channel. Its secret, given or made, is in this answer alone. */
export async function createChannel(sql: Sql, input: ChannelInput): Promise<CreatedChannel> {
  const config = { url: input.config.url, secret: input.config.secret ?? makeSecret() };
  const [row] = await sql<ChannelRow>`
    insert into channels (name, type, is_default, system_alerts, config)
    values (${input.name}, ${input.type}, ${input.default}, ${input.systemAlerts}, ${JSON.stringify(config)}::text::jsonb)
    returning *`;
  return { ...toChannel(orNotFound(row, "channel")), config };
}

function makeSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}
