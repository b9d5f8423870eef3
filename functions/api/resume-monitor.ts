import { ring } from "../../domain/messaging/wake.ts";
import { resumeMonitor } from "../../domain/monitors/resume-monitor.ts";
import { Monitor } from "../../domain/monitors/schema.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/monitors/{id}/resume",
  auth: "key",
  summary: "Resume a paused monitor",
  description: "It begins anew as pending, with a check at once. May be repeated.",
  answers: { 200: Monitor },
} as const satisfies Route;

export default handle(route, async ({ params, env, ctx }) => {
  const monitor = await resumeMonitor(env.sql, params.id);
  await ring(env, ctx, () => env.stream.wake("enqueue-checks"));
  return answer(200, monitor);
});
