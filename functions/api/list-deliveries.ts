import { listDeliveries } from "../../domain/deliveries/list-deliveries.ts";
import { DeliveryPage, DeliveryQuery } from "../../domain/deliveries/schema.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/deliveries",
  auth: "key",
  summary: "List deliveries, newest first",
  query: DeliveryQuery,
  answers: { 200: DeliveryPage },
} as const satisfies Route;

export default handle(route, async ({ query, env }) => answer(200, await listDeliveries(env.sql, query)));
