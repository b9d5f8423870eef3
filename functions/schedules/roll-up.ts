import { claimSchedule } from "../../domain/shared/claim-schedule.ts";
import { rollUp } from "../../domain/uptime/roll-up.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 60, runsWith: ["status-change"] };

/** Sums up the hours that have ended. */
export default {
  async scheduled(_tick, env, ctx) {
    const { claimed, nextInMs } = await claimSchedule(env.sql, "roll-up", schedule.everySeconds);
    while (claimed && !ctx.signal.aborted && (await rollUp(env.sql)).more);
    return { nextInMs };
  },
} satisfies ScheduledFunction;
