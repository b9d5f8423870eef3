import { resolveIncident } from "../../domain/incidents/resolve-incident.ts";
import { Incident } from "../../domain/incidents/schema.ts";
import { ring } from "../../domain/messaging/wake.ts";
import { alertsDue } from "../../domain/messaging/wake-up.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/incidents/{id}/resolve",
  auth: "key",
  summary: "Resolve an incident by hand",
  description: "While the monitor stays down no new incident opens; that it is up again will be told. May be repeated.",
  answers: { 200: Incident },
} as const satisfies Route;

export default handle(route, async ({ params, env, ctx }) => {
  const { incident, channelIds } = await resolveIncident(env.sql, params.id);
  if (channelIds.length > 0) await ring(env, ctx, () => env.stream.publish(alertsDue.ring(channelIds)));
  return answer(200, incident);
});
