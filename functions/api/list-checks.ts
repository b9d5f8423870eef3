import { listChecks } from "../../domain/checks/list-checks.ts";
import { CheckPage, CheckQuery } from "../../domain/checks/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/monitors/{id}/checks",
  auth: "key",
  summary: "List a monitor's checks, newest first",
  query: CheckQuery,
  responses: { 200: CheckPage },
} as const satisfies Route;

export default handle(route, async ({ params, query, env }) =>
  reply(200, await listChecks(env.sql, { id: params.id, query })),
);
