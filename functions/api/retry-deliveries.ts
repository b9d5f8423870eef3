import { retryDeliveries } from "../../domain/alerts/retry-deliveries.ts";
import { RetryDeliveriesQuery } from "../../domain/alerts/schema.ts";
import { alertsDue } from "../../domain/bell.ts";
import { RetriedAll } from "../../domain/retried-all.ts";
import { ring } from "../../domain/ring.ts";
import { answer, handle, type Route } from "../../runtime/api.ts";

export const route = {
  method: "POST",
  path: "/v1/deliveries/retry",
  auth: "key",
  summary: "Try exhausted deliveries again, up to 500 a call",
  description:
    "Left as they are: those whose channel is disabled, or whose channel or monitor is gone, and those that a later alert of their monitor has overtaken. The latter can be tried again by their id.",
  query: RetryDeliveriesQuery,
  answers: { 200: RetriedAll },
} as const satisfies Route;

export default handle(route, async ({ query, env, ctx }) => {
  const { answer: retried, channelIds } = await retryDeliveries(env.sql, query);
  await ring(env, ctx, () => env.stream.publish(alertsDue.ring(channelIds)));
  return answer(200, retried);
});
