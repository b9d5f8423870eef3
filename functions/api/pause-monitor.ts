import { pauseMonitor } from "../../domain/monitors/pause-monitor.ts";
import { Monitor } from "../../domain/monitors/schema.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/monitors/{id}/pause",
  auth: "key",
  summary: "Pause a monitor",
  description: "Its open incident is closed without an alert. May be repeated.",
  answers: { 200: Monitor },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => answer(200, await pauseMonitor(env.sql, params.id)));
