import { listDeadLetters } from "../../domain/dead-letters/list-dead-letters.ts";
import { DeadLetterPage, DeadLetterQuery } from "../../domain/dead-letters/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/dead-letters",
  auth: "key",
  summary: "List dead letters, newest first",
  query: DeadLetterQuery,
  responses: { 200: DeadLetterPage },
} as const satisfies Route;

export default handle(route, async ({ query, env }) => reply(200, await listDeadLetters(env.sql, query)));
