import { RetriedAll } from "../../domain/retried-all.ts";
import { retryAllSetApart } from "../../domain/set-apart/retry-set-apart.ts";
import { RetrySetApartQuery } from "../../domain/set-apart/schema.ts";
import { answer, handle, type Route } from "../../runtime/api.ts";

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
