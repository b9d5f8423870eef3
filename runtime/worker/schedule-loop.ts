import { randomUUID } from "node:crypto";
import type { Ctx, Ports, Schedule, ScheduledFunction } from "../contract.ts";
import type { Outgoing } from "../drivers/stream/stream.ts";
import { isTransient } from "../errors.ts";
import { callEnv, type HostEnv } from "../host-env.ts";
import { jitter } from "../jitter.ts";
import { sleep } from "../sleep.ts";
import type { Background } from "./background.ts";
import type { Part } from "./drain.ts";
import { createOutage } from "./outage.ts";

const RUN_MS = 60_000;
/** A schedule that always wants to run at once must not take the whole process. */
const MIN_PAUSE_MS = 20;
/** No wait is longer, so that a lost wake-up costs at most this. */
const MAX_PAUSE_MS = 3_600_000;
/** A schedule that waits for longer sleeps: there was nothing to do. */
const ASLEEP_MS = 90_000;
/** For how long publishing the entries of a run is retried: until the next run is due, within these bounds. */
const MIN_PUBLISHING_MS = 1000;
const MAX_PUBLISHING_MS = 20_000;
/** Keeps replicas from running in step. It is small because the schedules of one deployment should wake together. */
const JITTER_MS = 250;

interface ScheduleLoopOptions {
  readonly name: string;
  readonly schedule: Schedule;
  readonly ports?: Ports;
  readonly fn: ScheduledFunction;
  readonly env: HostEnv;
  readonly background: Background;
  /** Waits, and resolves with false when the signal aborted first. */
  readonly sleep?: typeof sleep;
}

/** Runs one schedule, never twice at once. */
export interface ScheduleLoop extends Part {
  /** The schedule's name, which is also the name of its wake-up. */
  readonly schedule: string;
  /** Makes it run now, or once more when it is running. */
  wake(): void;
  /** Makes it run now if it sleeps, and once more if it is running and then wants to sleep. */
  wakeFromSleep(): void;
  /** True while it sleeps: it waits for long, because there was nothing to do. */
  isAsleep(): boolean;
}

/** Runs a schedule at once, and from then on when it asks for it, when its time is over, or when it is woken. */
export function startScheduleLoop(options: ScheduleLoopOptions): ScheduleLoop {
  const { name, env, sleep: wait = sleep } = options;
  const outage = createOutage(env.log, `The schedule ${name}`);
  const stopping = new AbortController();
  let isRunning = false;
  let isAsleep = false;
  let runAgain = false;
  let stayAwake = false;
  let waiting = new AbortController();

  const run = async (): Promise<number> => {
    isRunning = true;
    runAgain = false;
    stayAwake = false;
    try {
      const { publish, nextMs } = await runOnce(options, stopping.signal);
      const nextAt = performance.now() + nextMs;
      if (publish.length === 0 || (await publishUntilDone(publish, nextMs))) outage.over();
      return Math.max(0, nextAt - performance.now());
    } catch (error) {
      return outage.failed(error);
    } finally {
      isRunning = false;
    }
  };

  /** Resolves with false when the entries are lost: then what they are for waits until its lease is over. */
  const publishUntilDone = async (entries: readonly Outgoing[], nextMs: number): Promise<boolean> => {
    const boundMs = Math.min(Math.max(nextMs, MIN_PUBLISHING_MS), MAX_PUBLISHING_MS);
    for (const giveUpAt = performance.now() + boundMs; ; ) {
      try {
        await env.stream.publish(entries);
        return true;
      } catch (error) {
        if (!isTransient(error)) throw error;
        const waitMs = outage.failed(error);
        if (performance.now() + waitMs > giveUpAt || !(await wait(waitMs, stopping.signal))) return false;
      }
    }
  };

  const waitForNextRun = async (ms: number) => {
    waiting = new AbortController();
    isAsleep = ms > ASLEEP_MS;
    const runsNow = runAgain || (stayAwake && isAsleep);
    if (!runsNow && !stopping.signal.aborted) await wait(ms, waiting.signal);
    isAsleep = false;
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      const nextMs = await run();
      await wait(MIN_PAUSE_MS, stopping.signal);
      await waitForNextRun(nextMs);
    }
  };
  const ended = loop();

  return {
    name: `the schedule ${name}`,
    schedule: name,
    wake() {
      runAgain = true;
      waiting.abort();
    },
    wakeFromSleep() {
      stayAwake = true;
      if (isAsleep) waiting.abort();
    },
    isAsleep: () => isAsleep,
    left: () => (isRunning ? "a run" : null),
    stop() {
      stopping.abort();
      waiting.abort();
      return ended;
    },
  };
}

/** One run. Resolves with the entries that it publishes, and with the time until the next run. */
async function runOnce(
  { schedule, ports, fn, env, background }: ScheduleLoopOptions,
  signal: AbortSignal,
): Promise<{ publish: readonly Outgoing[]; nextMs: number }> {
  const tick = { id: randomUUID(), scheduledTime: Date.now() };
  const ctx: Ctx = {
    requestId: tick.id,
    deadline: tick.scheduledTime + RUN_MS,
    signal,
    waitUntil: background.waitUntil,
  };
  const result = await fn.scheduled(tick, callEnv(env, { ports, requestId: tick.id }), ctx);
  const nextInMs = result?.nextInMs ?? schedule.everySeconds * 1000;
  const nextMs = Math.min(MAX_PAUSE_MS, Math.max(0, nextInMs)) + jitter(JITTER_MS, { min: 0, max: 1 });
  return { publish: result?.publish ?? [], nextMs };
}
