import { retryDeadLetters } from "../../domain/dead-letters/retry-dead-letters.ts";
import { RetryDeadLettersQuery } from "../../domain/dead-letters/schema.ts";
import { RetriedAll } from "../../domain/shared/retried-all.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/dead-letters/retry",
  auth: "key",
  summary: "Put messages back into their streams, up to 100 a call",
  query: RetryDeadLettersQuery,
  responses: { 200: RetriedAll },
  errors: ["wrong_state", "stream_unavailable"],
} as const satisfies Route;

export default handle(route, async ({ query, env }) => reply(200, await retryDeadLetters(env, query)));
