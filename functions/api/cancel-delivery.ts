import { cancelDelivery } from "../../domain/deliveries/cancel-delivery.ts";
import { Delivery } from "../../domain/deliveries/schema.ts";
import { wake } from "../../domain/messaging/wake.ts";
import { alertsDue } from "../../domain/messaging/wake-up.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/deliveries/{id}/cancel",
  auth: "key",
  summary: "Give a delivery up",
  description: "One that is pending or exhausted is cancelled; a try under way may still arrive.",
  responses: { 200: Delivery },
  errors: ["wrong_state"],
} as const satisfies Route;

export default handle(route, async ({ params, env, ctx }) => {
  const { delivery, channelIds } = await cancelDelivery(env.sql, params.id);
  await wake(env, ctx, () => env.stream.publish(alertsDue.messages(channelIds)));
  return reply(200, delivery);
});
