import { wake, wakeForChecks } from "../../domain/messaging/wake.ts";
import { Monitor, MonitorPatch } from "../../domain/monitors/schema.ts";
import { updateMonitor } from "../../domain/monitors/update-monitor.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "PATCH",
  path: "/v1/monitors/{id}",
  auth: "key",
  summary: "Change a monitor",
  description:
    "What is left out stays; null makes a field its default; a list or an object takes the place of the one before. " +
    "When what is checked changes, counting failures begins anew, and an open incident stays until the new check is up.",
  body: MonitorPatch,
  responses: { 200: Monitor },
  errors: ["conflict", "wrong_state"],
} as const satisfies Route;

export default handle(route, async ({ params, body, env, ctx }) => {
  const { monitor, isDue } = await updateMonitor(env, { id: params.id, patch: body });
  if (isDue) await wake(env, ctx, () => wakeForChecks(env));
  return reply(200, monitor);
});
