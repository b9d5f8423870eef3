import { getSetApart } from "../../domain/dead-letters/get-dead-letter.ts";
import { SetApart } from "../../domain/dead-letters/schema.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/set-apart/{id}",
  auth: "key",
  summary: "Read a message set apart, whole",
  answers: { 200: SetApart },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => answer(200, await getSetApart(env.sql, params.id)));
