import { claimTurn } from "../../domain/turn.ts";
import { retain } from "../../domain/uptime/retain.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 3600, runsIn: ["worker-status-change"] };

/** Makes room for the coming days' checks and lets go of what nobody is shown any more. */
export default {
  async scheduled(_tick, env) {
    const { mine, nextInMs } = await claimTurn(env.sql, "retain", schedule.everySeconds);
    if (mine) await retain(env.sql, env.config);
    return { nextInMs };
  },
} satisfies ScheduledFunction;
