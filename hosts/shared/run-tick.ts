import { randomUUID } from "node:crypto";
import type { HostEnv } from "../../runtime/host-env.ts";
import { sleep } from "../../runtime/sleep.ts";
import { createBackground } from "../../runtime/worker/background.ts";
import { drain, type Part, whatIsLeft } from "../../runtime/worker/drain.ts";
import { startFunctions } from "../../runtime/worker/start-functions.ts";
import type { Artefact } from "./artefact.ts";
import type { HostBindings } from "./bindings.ts";

/** What a host must leave for handing back what is under way when a tick's time is over. */
const MIN_DRAIN_MS = 4000;
/** Longer than a webhook may take twice: those under way get half of it. */
const MAX_DRAIN_MS = 32_000;
const LOOK_EVERY_MS = 500;

/**
 * What a process of the local runtime does, for as long as one tick of the host's clock lets it: runs the schedules when
 * they want to, reads the streams, takes over what others left. It ends before its time when every schedule sleeps. Any
 * number may run at once; what is under way at the end goes back into the streams.
 */
export async function runTick(
  { workers, schedules }: Pick<Artefact, "workers" | "schedules">,
  bindings: HostBindings,
  deadline: number,
): Promise<void> {
  const { openStream, workSeconds } = bindings;
  const { config } = bindings.env;
  const workMs = Math.max(0, Math.min(workSeconds * 1000, deadline - MIN_DRAIN_MS - Date.now()));
  const drainMs = Math.min(MAX_DRAIN_MS, deadline - Date.now() - workMs - MIN_DRAIN_MS / 4);
  const stream = openStream();
  const env: HostEnv = { ...bindings.env, stream, config: { ...config, drainSeconds: drainMs / 1000 } };
  const background = createBackground(env.log);
  const consumer = `${config.limits?.host}-${randomUUID().slice(0, 8)}`;
  const running = startFunctions({ workers, schedules, consumer, env, background });
  const left: Part = { name: "the background", left: () => null, stop: background.idle };
  const connection: Part = { name: "the stream", left: () => null, stop: () => stream.close() };
  const stages = [running.parts, [left], [connection]];

  const isOver = () =>
    running.schedules.every((schedule) => schedule.isAsleep()) &&
    running.consumers.every((each) => each.left() === null);
  const until = performance.now() + workMs;
  const never = new AbortController().signal;
  for (let leftMs = workMs; leftMs > 0; leftMs = until - performance.now()) {
    await sleep(Math.min(LOOK_EVERY_MS, leftMs), never);
    if (running.schedules.length > 0 && isOver()) break;
  }
  const inTime = await drain(stages, { seconds: drainMs / 1000, log: env.log });
  if (!inTime)
    env.log.error("A tick did not end in time; other ticks claim what is left.", { left: whatIsLeft(stages) });
}
