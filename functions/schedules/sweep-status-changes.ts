import { claimPendingEvents, handleStatusChanges } from "../../domain/incidents/handle-status-changes.ts";
import { alertsDue } from "../../domain/messaging/wake-up.ts";
import type { Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 10, runsWith: ["status-change"] };

/** Handles status changes whose wake-up was lost: it needs nothing but Postgres. */
export default {
  async scheduled(_tick, env) {
    const { monitorIds, nextInMs } = await claimPendingEvents(env.sql);
    if (monitorIds.length === 0) return { nextInMs };
    const { channelIds } = await handleStatusChanges(env.sql, monitorIds);
    return { publish: alertsDue.messages(channelIds), nextInMs };
  },
} satisfies ScheduledFunction;
