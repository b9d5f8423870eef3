import { getSetApart } from "../../domain/set-apart/get-set-apart.ts";
import { SetApart } from "../../domain/set-apart/schema.ts";
import { answer, handle, type Route } from "../../runtime/api.ts";

export const route = {
  method: "GET",
  path: "/v1/set-apart/{id}",
  auth: "key",
  summary: "Read a message set apart, whole",
  answers: { 200: SetApart },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => answer(200, await getSetApart(env.sql, params.id)));
