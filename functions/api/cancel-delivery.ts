import { cancelDelivery } from "../../domain/deliveries/cancel-delivery.ts";
import { Delivery } from "../../domain/deliveries/schema.ts";
import { ring } from "../../domain/messaging/wake.ts";
import { alertsDue } from "../../domain/messaging/wake-up.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/deliveries/{id}/cancel",
  auth: "key",
  summary: "Give a delivery up",
  description: "One that is pending or exhausted is cancelled; a try under way may still arrive.",
  answers: { 200: Delivery },
  problems: ["wrong_state"],
} as const satisfies Route;

export default handle(route, async ({ params, env, ctx }) => {
  const { delivery, channelIds } = await cancelDelivery(env.sql, params.id);
  await ring(env, ctx, () => env.stream.publish(alertsDue.ring(channelIds)));
  return answer(200, delivery);
});
