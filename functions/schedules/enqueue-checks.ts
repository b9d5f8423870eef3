import { claimDueChecks } from "../../domain/checks/claim-due-checks.ts";
import { checksDue, jobEntries } from "../../domain/checks/job.ts";
import type { DomainConfig } from "../../domain/config.ts";
import { checkConnectivityAgain } from "../../domain/connectivity/report-connectivity.ts";
import type { Env, Ports, Schedule, ScheduledFunction } from "../../runtime/contract.ts";

export const schedule: Schedule = { everySeconds: 5, runsWith: ["monitoring"] };
export const ports = { http: "shared" } as const satisfies Ports;

/** More entries than these are a backlog: those of 15 s, with 10,000 monitors, are fewer. */
const BACKLOG = 500;

/**
 * Publishes the checks that are due within the next seconds. A check without a result is published again, unless the
 * stream has a backlog: then its first message still waits there. While Stillup is offline, it asks the connectivity
 * targets again.
 */
export default {
  async scheduled(_tick, env, ctx) {
    const { jobs, redelivered, nextInMs, offline } = await claimDueChecks(env.sql);
    if (offline) ctx.waitUntil(checkConnectivityAgain(env));
    const waiting = new Set(redelivered.length > 0 && (await isBacklogged(env)) ? redelivered : []);
    return { publish: jobEntries(jobs.filter(({ monitorId }) => !waiting.has(monitorId))), nextInMs };
  },
} satisfies ScheduledFunction<DomainConfig, typeof ports>;

async function isBacklogged({ stream }: Env): Promise<boolean> {
  const state = await stream.state(checksDue.stream, checksDue.group).catch(() => null);
  return state !== null && state.length > BACKLOG;
}
