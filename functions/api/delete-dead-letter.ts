import { deleteDeadLetter } from "../../domain/dead-letters/delete-dead-letter.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "DELETE",
  path: "/v1/dead-letters/{id}",
  auth: "key",
  summary: "Drop a dead letter",
  responses: { 204: null },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => {
  await deleteDeadLetter(env.sql, params.id);
  return reply(204, null);
});
