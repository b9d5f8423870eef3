import { deleteSetApart } from "../../domain/dead-letters/delete-dead-letter.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "DELETE",
  path: "/v1/set-apart/{id}",
  auth: "key",
  summary: "Drop a message set apart",
  answers: { 204: null },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => {
  await deleteSetApart(env.sql, params.id);
  return answer(204, null);
});
