import { acknowledgeIncident } from "../../domain/incidents/acknowledge-incident.ts";
import { Incident } from "../../domain/incidents/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/incidents/{id}/acknowledge",
  auth: "key",
  summary: "Acknowledge an incident",
  description: "A resolved one stays as it is. May be repeated.",
  responses: { 200: Incident },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => reply(200, await acknowledgeIncident(env.sql, params.id)));
