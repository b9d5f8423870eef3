import { listDeliveries } from "../../domain/deliveries/list-deliveries.ts";
import { DeliveryPage, DeliveryQuery } from "../../domain/deliveries/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/deliveries",
  auth: "key",
  summary: "List deliveries, newest first",
  query: DeliveryQuery,
  responses: { 200: DeliveryPage },
} as const satisfies Route;

export default handle(route, async ({ query, env }) => reply(200, await listDeliveries(env.sql, query)));
