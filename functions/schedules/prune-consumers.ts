import { claimSchedule } from "../../domain/shared/claim-schedule.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = {
  everySeconds: 60,
  runsWith: ["monitoring", "status-change", "notification"],
};

/** Removes the consumers of processes that ended long ago. Other consumers have claimed their messages. */
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
