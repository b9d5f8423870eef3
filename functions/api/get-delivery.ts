import { getDelivery } from "../../domain/deliveries/get-delivery.ts";
import { DeliveryDetail } from "../../domain/deliveries/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/deliveries/{id}",
  auth: "key",
  summary: "Read a delivery with what it tells",
  responses: { 200: DeliveryDetail },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => reply(200, await getDelivery(env.sql, params.id)));
