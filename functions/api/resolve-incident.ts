import { resolveIncident } from "../../domain/incidents/resolve-incident.ts";
import { Incident } from "../../domain/incidents/schema.ts";
import { wake } from "../../domain/messaging/wake.ts";
import { alertsDue } from "../../domain/messaging/wake-up.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/incidents/{id}/resolve",
  auth: "key",
  summary: "Resolve an incident by hand",
  description: "While the monitor stays down no new incident opens; that it is up again will be told. May be repeated.",
  responses: { 200: Incident },
} as const satisfies Route;

export default handle(route, async ({ params, env, ctx }) => {
  const { incident, channelIds } = await resolveIncident(env.sql, params.id);
  if (channelIds.length > 0) await wake(env, ctx, () => env.stream.publish(alertsDue.messages(channelIds)));
  return reply(200, incident);
});
