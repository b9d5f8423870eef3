import { listMonitors } from "../../domain/monitors/list-monitors.ts";
import { MonitorPage, MonitorQuery } from "../../domain/monitors/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/monitors",
  auth: "key",
  summary: "List monitors, newest first",
  query: MonitorQuery,
  responses: { 200: MonitorPage },
} as const satisfies Route;

export default handle(route, async ({ query, env }) => reply(200, await listMonitors(env.sql, query)));
