import type { Ctx, Env } from "../../runtime/contract.ts";
import { errorFields } from "../../runtime/errors.ts";
import { sleep } from "../../runtime/sleep.ts";
import type { DomainConfig } from "../config.ts";
import { isInconclusive } from "../connectivity/connectivity.ts";
import { reportOffline } from "../connectivity/report-connectivity.ts";
import { probeFor } from "../kinds/find-probe.ts";
import { wakeOrLog } from "../messaging/wake.ts";
import { statusChanged } from "../messaging/wake-up.ts";
import { checkDurationSeconds, checksTotal, scheduleLagSeconds } from "../metrics.ts";
import { applyResults } from "./apply-results.ts";
import type { Job } from "./job.ts";
import { type CheckResult, type JobResult, printable } from "./result.ts";
import { createResultStore, type ResultStore } from "./result-store.ts";

/** The longest that a result which changes nothing waits to share a statement. */
const QUIET_MS = 10_000;
const SHORTEST_QUIET_MS = 250;
/**
 * Checks that are due within this time begin together, at its end: 25 a second, each for itself, take 1.3 ms of
 * processor time each, because what they need has left its caches; together they take 0.7.
 */
const TOGETHER_MS = 200;

/**
 * Makes checks side by side, each at its time, and stores their results: one that may change a status at once, the
 * others together. Resolves when all is stored, with the jobs that were not made because the process is to stop.
 * Jobs that `cameBefore` are late already and wait for nothing.
 */
export async function runChecks(
  env: Env<DomainConfig>,
  ctx: Ctx,
  { jobs, cameBefore }: { jobs: readonly Job[]; cameBefore: boolean },
): Promise<Job[]> {
  const receivedAt = performance.now();
  const store = createResultStore({
    store: (results) => storeAndWake(env, results),
    refused: (result, error) =>
      env.log.error("The database refused the result of a check.", { ...result, error: String(error) }),
    signal: ctx.signal,
  });
  const unfinished: Job[] = [];
  await Promise.all(
    jobs.map(async (job) => {
      const waitMs = cameBefore ? 0 : togetherAt(receivedAt + job.waitMs) - performance.now();
      const done = (await sleep(waitMs, ctx.signal)) && (await runCheck(env, ctx, { job, store }));
      if (!done) unfinished.push(job);
    }),
  );
  await store.finish();
  return unfinished;
}

function togetherAt(dueAt: number): number {
  return Math.ceil(dueAt / TOGETHER_MS) * TOGETHER_MS;
}

async function runCheck(
  env: Env<DomainConfig>,
  ctx: Ctx,
  { job, store }: { job: Job; store: ResultStore },
): Promise<boolean> {
  const { monitorId, revision, seq, dueAt, timeoutMs } = job;
  const probe = probeFor(job);
  let found: CheckResult | null;
  try {
    found = await probe.check(env, job.config, { timeoutMs, signal: ctx.signal });
  } catch (error) {
    // Nothing is known about the target. The slot is given out again when its lease has ended.
    env.log.error("A probe failed by a fault of Stillup.", { monitorId, type: job.type, ...errorFields(error) });
    return true;
  }
  if (found === null) return false;
  const beganAt = performance.now() - found.totalMs; // not when it was called: it may have waited for its turn
  const quiet = job.quietIf === (found.outcome === "ok");
  const { ambiguous } = probe.kind;
  const seen = (await isInconclusive(env, found, { ambiguous, beganAt, quiet })) ? unknown(found) : found;
  const detail = seen.detail === null ? null : printable(seen.detail);
  store.add({ monitorId, revision, seq, dueAt, beganAt, ...seen, detail }, quiet ? quietMs(job) : 0);
  return true;
}

function unknown(found: CheckResult): CheckResult {
  const detail = `Stillup is offline: no connectivity target responded either. ${found.detail}`;
  return { ...found, outcome: "unknown", detail };
}

/** A slot must be answered well before the next one is to be given out, 5 s before it is due. */
function quietMs(job: Job): number {
  return Math.min(QUIET_MS, Math.max(SHORTEST_QUIET_MS, (job.intervalSeconds - 10) * 1000));
}

async function storeAndWake(env: Env<DomainConfig>, results: readonly JobResult[]) {
  // First, because this is what makes them due again when connectivity comes back.
  if (results.some(({ outcome }) => outcome === "unknown")) await reportOffline(env);
  const applied = await applyResults(env.sql, results);
  const wakeUps = statusChanged.messages(applied.filter((result) => result.notifies).map((result) => result.monitorId));
  if (wakeUps.length > 0) await wakeOrLog(env, () => env.stream.publish(wakeUps));
  for (const { outcome, totalMs, lagMs } of applied) {
    env.metrics.count(checksTotal, { outcome });
    env.metrics.observe(checkDurationSeconds, totalMs / 1000);
    env.metrics.observe(scheduleLagSeconds, lagMs / 1000);
  }
  return applied;
}
