import { acknowledgeIncident } from "../../domain/incidents/acknowledge-incident.ts";
import { Incident } from "../../domain/incidents/schema.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/incidents/{id}/acknowledge",
  auth: "key",
  summary: "Acknowledge an incident",
  description: "A resolved one stays as it is. May be repeated.",
  answers: { 200: Incident },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => answer(200, await acknowledgeIncident(env.sql, params.id)));
