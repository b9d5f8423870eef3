import { retrySetApart } from "../../domain/dead-letters/retry-dead-letters.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/set-apart/{id}/retry",
  auth: "key",
  summary: "Put a message back into its stream",
  description: "Then it is no longer set apart: a repeat answers 404. If it fails again, it is set apart anew.",
  answers: { 204: null },
  problems: ["wrong_state", "stream_unavailable"],
} as const satisfies Route;

export default handle(route, async ({ params, env }) => {
  await retrySetApart(env, params.id);
  return answer(204, null);
});
