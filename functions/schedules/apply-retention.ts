import type { DomainConfig } from "../../domain/config.ts";
import { applyRetention } from "../../domain/retention/apply-retention.ts";
import { purgeChannels } from "../../domain/retention/purge-channels.ts";
import { purgeMonitors } from "../../domain/retention/purge-monitors.ts";
import { claimSchedule } from "../../domain/shared/claim-schedule.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 3600, runsWith: ["status-change"] };

/** Makes the partitions for the coming days and deletes what is no longer shown. */
export default {
  async scheduled(_tick, env, ctx) {
    const { claimed, nextInMs } = await claimSchedule(env.sql, "apply-retention", schedule.everySeconds);
    if (!claimed) return { nextInMs };
    await applyRetention(env.sql, env.config);
    await purgeChannels(env.sql);
    while (!ctx.signal.aborted && (await purgeMonitors(env.sql)).more);
    return { nextInMs };
  },
} satisfies ScheduledFunction<DomainConfig>;
