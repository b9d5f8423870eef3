import { claimDueChecks } from "../../domain/checks/claim-due-checks.ts";
import { jobEntries } from "../../domain/checks/job.ts";
import { lookAgain } from "../../domain/sight/look-again.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 5, runsIn: ["worker-monitoring"] };

/** Gives out the checks that are due within the next seconds; and while Stillup is blind, looks whether it sees again. */
export default {
  async scheduled(_tick, env, ctx) {
    const { jobs, nextInMs, blind } = await claimDueChecks(env.sql);
    if (blind) ctx.waitUntil(lookAgain(env));
    return { publish: jobEntries(jobs), nextInMs };
  },
} satisfies ScheduledFunction;
