import { retryDelivery } from "../../domain/deliveries/retry-deliveries.ts";
import { Delivery } from "../../domain/deliveries/schema.ts";
import { wake } from "../../domain/messaging/wake.ts";
import { alertsDue } from "../../domain/messaging/wake-up.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/deliveries/{id}/retry",
  auth: "key",
  summary: "Try a delivery again that was exhausted or cancelled",
  description:
    "It keeps its id and gets all its tries again. One that is pending or delivered stays as it is. Its channel must be enabled, and its channel and monitor must exist.",
  responses: { 200: Delivery },
  errors: ["wrong_state"],
} as const satisfies Route;

export default handle(route, async ({ params, env, ctx }) => {
  const { delivery, channelIds } = await retryDelivery(env.sql, params.id);
  await wake(env, ctx, () => env.stream.publish(alertsDue.messages(channelIds)));
  return reply(200, delivery);
});
