import { getIncident } from "../../domain/incidents/get-incident.ts";
import { Incident } from "../../domain/incidents/schema.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/incidents/{id}",
  auth: "key",
  summary: "Read an incident",
  answers: { 200: Incident },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => answer(200, await getIncident(env.sql, params.id)));
