import { listIncidents } from "../../domain/incidents/list-incidents.ts";
import { IncidentPage, IncidentQuery } from "../../domain/incidents/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/incidents",
  auth: "key",
  summary: "List incidents, newest first",
  query: IncidentQuery,
  responses: { 200: IncidentPage },
} as const satisfies Route;

export default handle(route, async ({ query, env }) => reply(200, await listIncidents(env.sql, query)));
