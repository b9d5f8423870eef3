import { randomUUID } from "node:crypto";
import type { HostEnv } from "../../runtime/host-env.ts";
import { sleep } from "../../runtime/sleep.ts";
import { createBackground } from "../../runtime/worker/background.ts";
import { drain, type Part, whatIsLeft } from "../../runtime/worker/drain.ts";
import { type LoadedFunctions, startFunctions } from "../../runtime/worker/start-functions.ts";
import type { HostBindings } from "./bindings.ts";
import { consumeQueue } from "./queue.ts";

/** The time that a tick keeps for handing back what is under way at its end. */
const MIN_DRAIN_MS = 4000;
/** Attempts to deliver that are under way get half of it, and an attempt may take 15 s. */
const MAX_DRAIN_MS = 32_000;
const LOOK_EVERY_MS = 500;

/**
 * Does for one tick of the host's clock what a process of the local runtime does all the time: it runs the schedules when
 * they are due, reads the streams, and claims what others left. It ends early when every schedule sleeps. Any number of
 * ticks may run at once. Messages under way at the end go back into the streams.
 */
async function runTick(functions: LoadedFunctions, bindings: HostBindings, deadline: number): Promise<void> {
  const { openStream, workSeconds } = bindings;
  const { config } = bindings.env;
  const workMs = Math.max(0, Math.min(workSeconds * 1000, deadline - MIN_DRAIN_MS - Date.now()));
  const drainMs = Math.min(MAX_DRAIN_MS, deadline - Date.now() - workMs - MIN_DRAIN_MS / 4);
  const stream = openStream();
  const env: HostEnv = { ...bindings.env, stream, config: { ...config, drainSeconds: drainMs / 1000 } };
  const background = createBackground(env.log);
  const consumer = `${config.limits?.host}-${randomUUID().slice(0, 8)}`;
  const { schedules, consumers, parts } = startFunctions({ ...functions, consumer, env, background });
  const left: Part = { name: "the background", left: () => null, stop: background.idle };
  const connection: Part = { name: "the stream", left: () => null, stop: () => stream.close() };
  const stages = [parts, [left], [connection]];

  const isOver = () => schedules.every((each) => each.isAsleep()) && consumers.every((each) => each.left() === null);
  const until = performance.now() + workMs;
  const never = new AbortController().signal;
  for (let leftMs = workMs; leftMs > 0; leftMs = until - performance.now()) {
    await sleep(Math.min(LOOK_EVERY_MS, leftMs), never);
    if (schedules.length > 0 && isOver()) break;
  }
  const inTime = await drain(stages, { seconds: drainMs / 1000, log: env.log });
  if (!inTime)
    env.log.error("A tick did not end in time; other ticks claim what is left.", { left: whatIsLeft(stages) });
}

/** What an artefact with workers or schedules does beside answering requests. The others are built without it: 12 KB less. */
export const work = { consumeQueue, runTick };
export type HostWork = typeof work;
