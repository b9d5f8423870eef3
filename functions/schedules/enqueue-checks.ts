import { claimDueChecks } from "../../domain/checks/claim-due-checks.ts";
import { jobEntries } from "../../domain/checks/job.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 5, runsIn: ["worker-monitoring"] };

/** Gives out the checks that are due within the next seconds. */
export default {
  async scheduled(_tick, env) {
    const { jobs, nextInMs } = await claimDueChecks(env.sql);
    return { publish: jobEntries(jobs), nextInMs };
  },
} satisfies ScheduledFunction;
