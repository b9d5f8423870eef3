import { deleteMonitor } from "../../domain/monitors/delete-monitor.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "DELETE",
  path: "/v1/monitors/{id}",
  auth: "key",
  summary: "Remove a monitor",
  description: "Its open incident is closed without an alert, and alerts that are still to be sent are cancelled.",
  responses: { 204: null },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => {
  await deleteMonitor(env.sql, params.id);
  return reply(204, null);
});
