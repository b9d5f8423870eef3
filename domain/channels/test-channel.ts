import type { Env } from "../../runtime/contract.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import type { ChannelRow } from "./row.ts";
import type { ChannelTest } from "./schema.ts";
import { sendWebhook } from "./types/webhook.ts";

/** Sends `channel.test` to a channel, once. What the receiver does is the answer. Throws StillupError `not_found`. */
export async function testChannel(
  { sql, http }: Pick<Env, "sql" | "http">,
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<ChannelTest> {
  const [row] = await sql<ChannelRow & { deliveryId: string; timestamp: string }>`
    select *, new_id('dlv') as "deliveryId", iso(app_now()) as timestamp
    from channels where id = ${id} and deleted_at is null`;
  const channel = orNotFound(row, "channel");
  const message = {
    id: channel.deliveryId,
    type: "channel.test",
    timestamp: channel.timestamp,
    data: { channel: { id, name: channel.name } },
  };
  const { delivered, statusCode, durationMs, error } = await sendWebhook(http, channel.config, message, { signal });
  return { delivered, statusCode, durationMs, error };
}
