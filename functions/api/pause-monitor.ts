import { pauseMonitor } from "../../domain/monitors/pause-monitor.ts";
import { Monitor } from "../../domain/monitors/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/monitors/{id}/pause",
  auth: "key",
  summary: "Pause a monitor",
  description: "Its open incident is closed without an alert. May be repeated.",
  responses: { 200: Monitor },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => reply(200, await pauseMonitor(env.sql, params.id)));
