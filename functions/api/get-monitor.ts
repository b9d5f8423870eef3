import { getMonitor } from "../../domain/monitors/get-monitor.ts";
import { Monitor } from "../../domain/monitors/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/monitors/{id}",
  auth: "key",
  summary: "Read a monitor",
  responses: { 200: Monitor },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => reply(200, await getMonitor(env.sql, params.id)));
