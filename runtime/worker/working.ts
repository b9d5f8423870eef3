import type { ConsumeFunction, Env, Schedule, ScheduledFunction, Source } from "../contract.ts";
import type { Background } from "./background.ts";
import { startConsumer } from "./consumer.ts";
import type { Part } from "./drain.ts";
import { type Clock, startClock } from "./schedule-loop.ts";
import { listenForWakeUps } from "./wake-ups.ts";

export interface Worker {
  readonly name: string;
  readonly source: Source;
  readonly fn: ConsumeFunction;
}

export interface Scheduled {
  readonly name: string;
  readonly schedule: Schedule;
  readonly fn: ScheduledFunction;
}

interface WorkingOptions {
  readonly workers: readonly Worker[];
  readonly schedules: readonly Scheduled[];
  /** Never the same for two lives of a process: what an earlier one left is taken over like anybody else's. */
  readonly consumer: string;
  readonly env: Env;
  /** With an `http` of its own, so that hanging targets hold up no alert. */
  readonly probeEnv: Env;
  readonly background: Background;
}

/** What works beside the API: consumers and clocks, and the wake-ups that wake them. */
interface Working {
  readonly consumers: readonly Part[];
  readonly clocks: readonly Clock[];
  /** All of it, to be stopped together. */
  readonly parts: readonly Part[];
}

export function startWorking(options: WorkingOptions): Working {
  const { workers, schedules, consumer, env, probeEnv, background } = options;
  const consumers = workers.map((worker) =>
    startConsumer({ ...worker, consumer, env: envFor(worker, { env, probeEnv }), background }),
  );
  const clocks = schedules.map((each) => startClock({ ...each, env, background }));
  const wakeUps = clocks.length === 0 ? [] : [listenForWakeUps(clocks, env)];
  return { consumers, clocks, parts: [...consumers, ...clocks, ...wakeUps] };
}

/** The worker that probes has bindings of its own. */
export function envFor({ name }: Worker, { env, probeEnv }: Pick<WorkingOptions, "env" | "probeEnv">): Env {
  return name === "monitoring" ? probeEnv : env;
}
