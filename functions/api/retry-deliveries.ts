import { retryDeliveries } from "../../domain/deliveries/retry-deliveries.ts";
import { RetryDeliveriesQuery } from "../../domain/deliveries/schema.ts";
import { wake } from "../../domain/messaging/wake.ts";
import { alertsDue } from "../../domain/messaging/wake-up.ts";
import { RetriedAll } from "../../domain/shared/retried-all.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/deliveries/retry",
  auth: "key",
  summary: "Try exhausted deliveries again, up to 500 a call",
  description:
    "Left as they are: those whose channel is disabled, or whose channel or monitor is gone, and those that a later alert of their monitor has overtaken. The latter can be tried again by their id.",
  query: RetryDeliveriesQuery,
  responses: { 200: RetriedAll },
} as const satisfies Route;

export default handle(route, async ({ query, env, ctx }) => {
  const { answer: retried, channelIds } = await retryDeliveries(env.sql, query);
  await wake(env, ctx, () => env.stream.publish(alertsDue.messages(channelIds)));
  return reply(200, retried);
});
