import type { RouterEntry } from "../runtime/api/router.ts";
import type { Env } from "../runtime/contract.ts";
import { streamOldestSeconds, streamPending } from "../runtime/metrics.ts";
import type { Functions } from "./load.ts";

/**
 * What a worker answers within its network: `/healthz` and `/readyz` as the API does, and `/metrics`, which here needs no
 * key, because nothing outside can ask.
 */
export function workerRoutes({ routes, workers }: Functions): RouterEntry[] {
  const metrics: RouterEntry = {
    route: { method: "GET", path: "/metrics", auth: "none" },
    fn: {
      async fetch(_request, env) {
        await Promise.all(workers.map(({ source }) => observeStream(env, source)));
        const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
        return new Response(await env.metrics.render(), { headers });
      },
    },
  };
  return [...routes, metrics];
}

async function observeStream(
  { stream, metrics }: Pick<Env, "stream" | "metrics">,
  { stream: name, group }: { stream: string; group: string },
) {
  const state = await stream.state(name, group).catch(() => null);
  if (state === null) return;
  metrics.set(streamPending, state.pending, { stream: name });
  metrics.set(streamOldestSeconds, state.oldestMs / 1000, { stream: name });
}
