import type { DomainConfig } from "../../domain/config.ts";
import { watchdogPingsTotal } from "../../domain/metrics.ts";
import { canaryEntry, sendCanary } from "../../domain/watchdog/canary.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 60, runsWith: ["monitoring"] };

/** How long a schedule that has nothing to do sleeps. */
const NEVER_MS = 3_600_000;

/** Sends a canary through the pipeline; where it ends, `WATCHDOG_URL` is called. Without that it asks for nothing. */
export default {
  async scheduled(_tick, env) {
    if (env.config.watchdogUrl === null) return { nextInMs: NEVER_MS };
    const { id, lost, nextInMs } = await sendCanary(env.sql);
    if (lost) {
      env.metrics.count(watchdogPingsTotal, { outcome: "lost" });
      env.log.warn("The watchdog was not called.", { reason: "The canary did not arrive within a minute." });
    }
    return { publish: id === null ? [] : [canaryEntry(id)], nextInMs };
  },
} satisfies ScheduledFunction<DomainConfig>;
