import { randomUUID } from "node:crypto";
import type { Ctx, Env, Schedule, ScheduledFunction } from "../contract.ts";
import type { Outgoing } from "../drivers/stream/stream.ts";
import { isTransient } from "../errors.ts";
import { sleep } from "../sleep.ts";
import type { Background } from "./background.ts";
import { callEnv } from "./call-env.ts";
import type { Part } from "./drain.ts";
import { createOutage } from "./outage.ts";

const RUN_MS = 60_000;
/** A schedule that always wants to run at once must not take the whole process. */
const SHORTEST_PAUSE_MS = 20;
/** No sleep is longer, so that a lost wake-up costs at most this. */
const LONGEST_PAUSE_MS = 3_600_000;
/** A schedule that pauses for longer is asleep, because there was nothing to do. */
const ASLEEP_MS = 90_000;
/** How long it is tried to publish what a run gave out: until the next run is due, within these bounds. */
const MIN_PUBLISHING_MS = 1000;
const MAX_PUBLISHING_MS = 20_000;
/** Keeps replicas from ticking in step; small, because the sleeps of one deployment are to end together. */
const JITTER_MS = 250;

interface ClockOptions {
  readonly name: string;
  readonly schedule: Schedule;
  readonly fn: ScheduledFunction;
  readonly env: Env;
  readonly background: Background;
  /** Waits, and resolves with false when the signal aborted first. */
  readonly sleep?: typeof sleep;
}

/** Runs one schedule, never twice at once. */
export interface Clock extends Part {
  /** The schedule's name, which is the wake-up's too. */
  readonly wakeUp: string;
  /** Makes it run now, or once more when it is running. */
  wake(): void;
  /** Makes it run now if it is asleep. */
  wakeIfAsleep(): void;
  /** True while it waits for long, because there was nothing to do. */
  isAsleep(): boolean;
}

/** Runs a schedule at once and from then on when it asks for it, when its time is over, or when it is woken. */
export function startClock(options: ClockOptions): Clock {
  const { name, env, sleep: wait = sleep } = options;
  const outage = createOutage(env.log, `The schedule ${name}`);
  const stopping = new AbortController();
  let running = false;
  let woken = false;
  let nudged = false;
  let asleep = false;
  let pausing = new AbortController();

  const tick = async (): Promise<number> => {
    running = true;
    woken = false;
    nudged = false;
    try {
      const { publish, nextMs } = await runOnce(options, stopping.signal);
      const nextAt = performance.now() + nextMs;
      if (publish.length === 0 || (await publishUntilDone(publish, nextMs))) outage.over();
      return Math.max(0, nextAt - performance.now());
    } catch (error) {
      return outage.failed(error);
    } finally {
      running = false;
    }
  };

  /** Nobody else has what a run gave out: a check that is lost here comes when its lease is over. False if it was. */
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

  const pause = async (ms: number) => {
    pausing = new AbortController();
    asleep = ms > ASLEEP_MS;
    const isWanted = woken || (nudged && asleep);
    if (!isWanted && !stopping.signal.aborted) await wait(ms, pausing.signal);
    asleep = false;
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      const nextMs = await tick();
      await wait(SHORTEST_PAUSE_MS, stopping.signal);
      await pause(nextMs);
    }
  };
  const ended = loop();

  return {
    name: `the schedule ${name}`,
    wakeUp: name,
    wake() {
      woken = true;
      pausing.abort();
    },
    wakeIfAsleep() {
      nudged = true;
      if (asleep) pausing.abort();
    },
    isAsleep: () => asleep,
    left: () => (running ? "a run" : null),
    stop() {
      stopping.abort();
      pausing.abort();
      return ended;
    },
  };
}

/** One run; resolves with what it wants to publish, and how long until the next one. */
async function runOnce(
  { schedule, fn, env, background }: ClockOptions,
  signal: AbortSignal,
): Promise<{ publish: readonly Outgoing[]; nextMs: number }> {
  const tick = { id: randomUUID(), scheduledTime: Date.now() };
  const ctx: Ctx = {
    requestId: tick.id,
    deadline: tick.scheduledTime + RUN_MS,
    signal,
    waitUntil: background.waitUntil,
  };
  const result = await fn.scheduled(tick, callEnv(env, tick.id), ctx);
  const nextInMs = result?.nextInMs ?? schedule.everySeconds * 1000;
  const nextMs = Math.min(LONGEST_PAUSE_MS, Math.max(0, nextInMs)) + Math.random() * JITTER_MS;
  return { publish: result?.publish ?? [], nextMs };
}
