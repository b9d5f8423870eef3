import { ring } from "../../domain/messaging/wake.ts";
import { checkMonitor } from "../../domain/monitors/check-monitor.ts";
import { Monitor } from "../../domain/monitors/schema.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/monitors/{id}/check",
  auth: "key",
  summary: "Check a monitor now",
  description: "Makes it due; the answer does not wait for the check.",
  answers: { 202: Monitor },
  problems: ["monitor_paused"],
} as const satisfies Route;

export default handle(route, async ({ params, env, ctx }) => {
  const monitor = await checkMonitor(env.sql, params.id);
  await ring(env, ctx, () => env.stream.wake("enqueue-checks"));
  return answer(202, monitor);
});
