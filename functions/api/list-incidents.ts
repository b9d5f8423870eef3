import { listIncidents } from "../../domain/incidents/list-incidents.ts";
import { IncidentPage, IncidentQuery } from "../../domain/incidents/schema.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/incidents",
  auth: "key",
  summary: "List incidents, newest first",
  query: IncidentQuery,
  answers: { 200: IncidentPage },
} as const satisfies Route;

export default handle(route, async ({ query, env }) => answer(200, await listIncidents(env.sql, query)));
