import { claimDueChannels } from "../../domain/deliveries/claim-due-channels.ts";
import { deliverDue } from "../../domain/deliveries/deliver.ts";
import type { Ports, Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 10, runsWith: ["notification"] };
export const ports = { http: "shared" } as const satisfies Ports;

/**
 * Sends due deliveries that no message announced: next attempts, lost messages, deliveries whose worker died. It needs
 * only Postgres, and does not wait for receivers.
 */
export default {
  async scheduled(_tick, env, ctx) {
    const { channelIds, nextInMs } = await claimDueChannels(env.sql);
    if (channelIds.length > 0) ctx.waitUntil(deliverDue(env, channelIds, ctx.signal));
    return { nextInMs };
  },
} satisfies ScheduledFunction<unknown, typeof ports>;
