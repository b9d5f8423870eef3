import { retryAllSetApart } from "../../domain/dead-letters/retry-dead-letters.ts";
import { RetrySetApartQuery } from "../../domain/dead-letters/schema.ts";
import { RetriedAll } from "../../domain/shared/retried-all.ts";
import { answer, handle, type Route } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/set-apart/retry",
  auth: "key",
  summary: "Put messages back into their streams, up to 100 a call",
  query: RetrySetApartQuery,
  answers: { 200: RetriedAll },
  problems: ["stream_unavailable"],
} as const satisfies Route;

export default handle(route, async ({ query, env }) => answer(200, await retryAllSetApart(env, query)));
