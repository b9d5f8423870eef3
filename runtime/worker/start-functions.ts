import type { ConsumeFunction, Ports, Schedule, ScheduledFunction, Source } from "../contract.ts";
import type { HostEnv } from "../host-env.ts";
import type { Background } from "./background.ts";
import { startConsumer } from "./consumer.ts";
import type { Part } from "./drain.ts";
import { type ScheduleLoop, startScheduleLoop } from "./schedule-loop.ts";
import { listenForWakeUps } from "./wake-ups.ts";

/** A worker's bundle, loaded. */
export interface LoadedWorker {
  readonly name: string;
  readonly source: Source;
  readonly ports?: Ports;
  readonly fn: ConsumeFunction;
}

/** A schedule's bundle, loaded. */
export interface LoadedSchedule {
  readonly name: string;
  readonly schedule: Schedule;
  readonly ports?: Ports;
  readonly fn: ScheduledFunction;
}

/** What runs in a process beside the API. */
export interface LoadedFunctions {
  readonly workers: readonly LoadedWorker[];
  readonly schedules: readonly LoadedSchedule[];
}

interface StartOptions extends LoadedFunctions {
  /** Identifies this process to the stream service. No two lives of a process may have the same. */
  readonly consumer: string;
  readonly env: HostEnv;
  readonly background: Background;
}

/** The same, running. */
interface RunningFunctions {
  readonly consumers: readonly Part[];
  readonly schedules: readonly ScheduleLoop[];
  /** The consumers, the schedules, and what listens for wake-ups. They can be stopped together. */
  readonly parts: readonly Part[];
}

/** Starts the workers and schedules of a process, or of one tick of a function host. */
export function startFunctions({ workers, schedules, consumer, env, background }: StartOptions): RunningFunctions {
  const consumers = workers.map((worker) => startConsumer({ ...worker, consumer, env, background }));
  const loops = schedules.map((schedule) => startScheduleLoop({ ...schedule, env, background }));
  const wakeUps = loops.length === 0 ? [] : [listenForWakeUps(loops, env)];
  return { consumers, schedules: loops, parts: [...consumers, ...loops, ...wakeUps] };
}
