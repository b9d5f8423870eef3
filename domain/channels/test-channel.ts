import type { Env } from "../../runtime/contract.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import type { ChannelRow } from "./row.ts";
import type { ChannelTest } from "./schema.ts";
import { sendEvent } from "./send-event.ts";

/**
 * Sends `channel.test` to a channel, once. What the receiver does is the answer. Throws StillupError `not_found`, or
 * `wrong_state` for a channel type of a newer release.
 */
export async function testChannel(
  env: Pick<Env, "sql" | "http" | "log">,
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<ChannelTest> {
  const [row] = await env.sql<ChannelRow & { deliveryId: string; timestamp: string }>`
    select *, new_id('dlv') as "deliveryId", iso(app_now()) as timestamp
    from channels where id = ${id} and deleted_at is null`;
  const { deliveryId, timestamp, ...channel } = orNotFound(row, "channel");
  const data = { channel: { id, name: channel.name } };
  const event = { id: deliveryId, type: "channel.test", timestamp, data } as const;
  const { outcome, statusCode, durationMs, error } = await sendEvent(env, channel, { event, limits: { signal } });
  return { delivered: outcome === "delivered", statusCode, durationMs, error };
}
