import { getIncident } from "../../domain/incidents/get-incident.ts";
import { Incident } from "../../domain/incidents/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/incidents/{id}",
  auth: "key",
  summary: "Read an incident",
  responses: { 200: Incident },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => reply(200, await getIncident(env.sql, params.id)));
