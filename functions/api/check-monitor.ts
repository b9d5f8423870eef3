import { wake, wakeForChecks } from "../../domain/messaging/wake.ts";
import { checkMonitor } from "../../domain/monitors/check-monitor.ts";
import { Monitor } from "../../domain/monitors/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/monitors/{id}/check",
  auth: "key",
  summary: "Check a monitor now",
  description: "Makes it due; the answer does not wait for the check.",
  responses: { 202: Monitor },
  errors: ["monitor_paused"],
} as const satisfies Route;

export default handle(route, async ({ params, env, ctx }) => {
  const monitor = await checkMonitor(env.sql, params.id);
  await wake(env, ctx, () => wakeForChecks(env));
  return reply(202, monitor);
});
