import { claimDueChannels } from "../../domain/deliveries/claim-due-channels.ts";
import { deliverDue } from "../../domain/deliveries/deliver.ts";
import type { Ports, Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 10, runsWith: ["notification"] };
export const ports = { http: "shared" } as const satisfies Ports;

/**
 * Sends what is due and was woken by nobody: next tries, lost wake-ups, deliveries whose worker died. It needs nothing but
 * Postgres, and waits for no receiver.
 */
export default {
  async scheduled(_tick, env, ctx) {
    const { channelIds, nextInMs } = await claimDueChannels(env.sql);
    if (channelIds.length > 0) ctx.waitUntil(deliverDue(env, channelIds, ctx.signal));
    return { nextInMs };
  },
} satisfies ScheduledFunction<unknown, typeof ports>;
