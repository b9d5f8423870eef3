import { retryDeadLetter } from "../../domain/dead-letters/retry-dead-letters.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/dead-letters/{id}/retry",
  auth: "key",
  summary: "Put a message back into its stream",
  description:
    "Then it is no longer a dead letter: a repeat answers 404. If it fails again, it is dead-lettered again.",
  responses: { 204: null },
  errors: ["wrong_state", "stream_unavailable"],
} as const satisfies Route;

export default handle(route, async ({ params, env }) => {
  await retryDeadLetter(env, params.id);
  return reply(204, null);
});
