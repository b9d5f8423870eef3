import * as z from "zod/mini";
import { countMonitors } from "../../domain/monitors/count-monitors.ts";
import { answer, handle, type Route } from "../../runtime/api.ts";
import type { Ctx, Env } from "../../runtime/contract.ts";
import { within } from "../../runtime/within.ts";

const MAX_AGE_MS = 5000;
const PATIENCE_MS = 2000;

export const route = {
  method: "GET",
  path: "/metrics",
  auth: "key",
  summary: "Metrics of this process, and how many monitors there are of each status",
  answers: { 200: z.string() },
  produces: "text/plain; version=0.0.4; charset=utf-8",
} as const satisfies Route;

export default handle(route, async ({ env, ctx }) => {
  await setMonitors(env, ctx);
  return answer(200, await env.metrics.render());
});

/** A process has metrics of its own to tell while the database is away, so that is no reason to tell nothing. */
async function setMonitors({ sql, memo, metrics, log }: Env, { requestId }: Ctx): Promise<void> {
  try {
    const counts = await within(
      PATIENCE_MS,
      memo("monitors", MAX_AGE_MS, () => countMonitors(sql)),
    );
    if (counts === null) throw new Error("The database said nothing within 2 s.");
    for (const [status, count] of Object.entries(counts)) metrics.set("stillup_monitors", count, { status });
  } catch (error) {
    log.warn("The monitors could not be counted.", { requestId, error: String(error) });
  }
}
