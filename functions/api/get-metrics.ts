import * as z from "zod/mini";
import { monitorsGauge, offlineGauge, oldestDueCheckSeconds, oldestUndeliveredSeconds } from "../../domain/metrics.ts";
import { backlog } from "../../domain/watchdog/backlog.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";
import type { Ctx, Env } from "../../runtime/contract.ts";
import { withTimeout } from "../../runtime/with-timeout.ts";

const PATIENCE_MS = 2000;

export const route = {
  method: "GET",
  path: "/metrics",
  auth: "key",
  summary: "Metrics of this process, and of all: how many monitors there are, and how old the oldest work is",
  responses: { 200: z.string() },
  contentType: "text/plain; version=0.0.4; charset=utf-8",
} as const satisfies Route;

export default handle(route, async ({ env, ctx }) => {
  await setBacklog(env, ctx);
  return reply(200, await env.metrics.render());
});

/** A process has metrics of its own to tell while the database is away, so that is no reason to tell nothing. */
async function setBacklog(env: Pick<Env, "sql" | "memo" | "metrics" | "log">, { requestId }: Ctx): Promise<void> {
  try {
    const known = await withTimeout(PATIENCE_MS, backlog(env));
    if (known === null) throw new Error("The database did not respond within 2 s.");
    for (const [status, count] of Object.entries(known.monitors)) env.metrics.set(monitorsGauge, count, { status });
    env.metrics.set(offlineGauge, known.offline ? 1 : 0);
    env.metrics.set(oldestDueCheckSeconds, known.oldestDueCheckSeconds);
    env.metrics.set(oldestUndeliveredSeconds, known.oldestUndeliveredSeconds);
  } catch (error) {
    env.log.warn("The database metrics could not be read.", { requestId, error: String(error) });
  }
}
