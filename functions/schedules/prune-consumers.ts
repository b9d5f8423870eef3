import { claimSchedule } from "../../domain/shared/claim-schedule.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = {
  everySeconds: 60,
  runsWith: ["monitoring", "status-change", "notification"],
};

/** Removes consumers of processes that are long gone and whose entries were taken over. */
export default {
  async scheduled(_tick, env) {
    const { claimed, nextInMs } = await claimSchedule(env.sql, "prune-consumers", schedule.everySeconds);
    if (!claimed) return { nextInMs };
    const minIdleMs = env.config.workerLeaseSeconds * 10 * 1000;
    for (const { stream, group } of env.sources) {
      await env.stream.removeIdleConsumers({ stream, group, consumer: "prune-consumers" }, { minIdleMs });
    }
    return { nextInMs };
  },
} satisfies ScheduledFunction;
