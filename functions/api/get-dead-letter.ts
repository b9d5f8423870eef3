import { getDeadLetter } from "../../domain/dead-letters/get-dead-letter.ts";
import { DeadLetter } from "../../domain/dead-letters/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/dead-letters/{id}",
  auth: "key",
  summary: "Read a dead letter, whole",
  responses: { 200: DeadLetter },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => reply(200, await getDeadLetter(env.sql, params.id)));
