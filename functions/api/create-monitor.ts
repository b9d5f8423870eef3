import { wake, wakeForChecks } from "../../domain/messaging/wake.ts";
import { createMonitor } from "../../domain/monitors/create-monitor.ts";
import { Monitor, MonitorInput } from "../../domain/monitors/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/monitors",
  auth: "key",
  summary: "Add a monitor",
  description: "Its first check comes at once.",
  body: MonitorInput,
  responses: { 201: Monitor },
} as const satisfies Route;

export default handle(route, async ({ body, env, ctx }) => {
  const monitor = await createMonitor(env, body);
  await wake(env, ctx, () => wakeForChecks(env));
  return reply(201, monitor);
});
