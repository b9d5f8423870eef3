import { listSetApart } from "../../domain/dead-letters/list-dead-letters.ts";
import { SetApartPage, SetApartQuery } from "../../domain/dead-letters/schema.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/set-apart",
  auth: "key",
  summary: "List messages set apart, newest first",
  query: SetApartQuery,
  answers: { 200: SetApartPage },
} as const satisfies Route;

export default handle(route, async ({ query, env }) => answer(200, await listSetApart(env.sql, query)));
