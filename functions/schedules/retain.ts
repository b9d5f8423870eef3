import { purgeChannels } from "../../domain/channels/purge-channels.ts";
import { purgeMonitors } from "../../domain/monitors/purge-monitors.ts";
import { claimTurn } from "../../domain/turn.ts";
import { retain } from "../../domain/uptime/retain.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 3600, runsIn: ["worker-status-change"] };

/** Makes room for the coming days' checks and lets go of what nobody is shown any more. */
export default {
  async scheduled(_tick, env, ctx) {
    const { mine, nextInMs } = await claimTurn(env.sql, "retain", schedule.everySeconds);
    if (!mine) return { nextInMs };
    await retain(env.sql, env.config);
    await purgeChannels(env.sql);
    while (!ctx.signal.aborted && (await purgeMonitors(env.sql)).more);
    return { nextInMs };
  },
} satisfies ScheduledFunction;
