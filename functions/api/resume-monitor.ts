import { wake, wakeForChecks } from "../../domain/messaging/wake.ts";
import { resumeMonitor } from "../../domain/monitors/resume-monitor.ts";
import { Monitor } from "../../domain/monitors/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/monitors/{id}/resume",
  auth: "key",
  summary: "Resume a paused monitor",
  description: "It begins anew as pending, with a check at once. May be repeated.",
  responses: { 200: Monitor },
} as const satisfies Route;

export default handle(route, async ({ params, env, ctx }) => {
  const monitor = await resumeMonitor(env.sql, params.id);
  await wake(env, ctx, () => wakeForChecks(env));
  return reply(200, monitor);
});
