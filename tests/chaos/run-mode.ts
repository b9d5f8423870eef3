import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { apiClient } from "../../testing/api.ts";
import { nowMs } from "../../testing/monotonic.ts";
import { createStack, type Stack } from "../compose/stack.ts";
import { createEngine, type Engine } from "./engine.ts";
import { type Host, startHost } from "./host.ts";
import { inject, plan } from "./inject.ts";
import type { Evidence, Stored } from "./judge.ts";
import { receiverKinds } from "./kinds.ts";
import type { Mode } from "./modes.ts";
import { createMonitors, MOODY, readStatuses, STEADY } from "./monitors.ts";
import { createRandom } from "./random.ts";
import { playScript } from "./script.ts";
import type { Fault, Turn } from "./story.ts";
import { createTruth, type Truth } from "./truth.ts";

const ROOT = join(import.meta.dirname, "../..");
const RECEIVER_WEIGHT = 10;
const READY_WITHIN_MS = 180_000;
/** The longest time between two tries that a run comes to is 10 minutes and a fifth. */
const SETTLED_WITHIN_MS = 15 * 60_000;
const PROGRESS_EVERY_MS = 10_000;

export interface RunOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Only faults whose kind holds this; all when empty. */
  readonly only: string;
  readonly progress: (text: string) => void;
  /** Takes what is to be done at the end, however that comes; the last first. */
  readonly stops: (() => Promise<unknown>)[];
}

/** What a run of one mode has brought. */
export interface ModeRun {
  readonly evidence: Evidence;
  /** Faults that were planned, tried and failed. */
  readonly notInjected: number;
  readonly checks: number;
  /** From the fixing of the last fault until nothing was left to be told. */
  readonly settledMs: number;
  readonly versions: { readonly postgres: string; readonly redis: string };
}

/** Brings a stack up, breaks it for so many minutes, waits until it has told everything, and takes it down. */
export async function runMode(mode: Mode, options: RunOptions): Promise<ModeRun> {
  const { progress, stops } = options;
  const folder = await mkdtemp(join(tmpdir(), "stillup-chaos-"));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  await copyFile(join(ROOT, ".env"), join(folder, ".env"));
  const host = await startHost();
  stops.push(host.close);
  process.env["STILLUP_CHAOS_CONTROL_TARGETS"] = host.controlUrl; // Compose puts it into tests/chaos/compose.yml
  const project = `stillup-chaos-${mode.name}`;
  const stack = await createStack(project, join(folder, ".env"), { files: mode.files, image: project });
  progress(`${mode.name}: building and starting`);
  stops.push(
    () => stack.docker("image", "rm", "--force", project, `${project}-emulators`),
    stack.remove,
    () => keepLogs(stack, mode),
  );
  await stack.compose("up", "--detach", "--build", "--wait", "--wait-timeout", `${READY_WITHIN_MS / 1000}`);
  const engine = createEngine(project);
  const truth = createTruth(engine, mode.postgres);
  return breakIt({ mode, stack, engine, truth, host }, options);
}

/** What the containers have printed, for whoever asks what went on. */
async function keepLogs(stack: Stack, mode: Mode): Promise<void> {
  const logs = await stack.compose("logs", "--no-color", "--timestamps", "--tail", "20000");
  await writeFile(join(import.meta.dirname, `${mode.name}.log`), logs);
}

interface Running {
  readonly mode: Mode;
  readonly stack: Stack;
  readonly engine: Engine;
  readonly truth: Truth;
  readonly host: Host;
}

async function breakIt(running: Running, { minutes, seed, only, progress, stops }: RunOptions): Promise<ModeRun> {
  const { mode, stack, engine, truth, host } = running;
  const api = apiClient(stack.apiUrl, mode.apiKey);
  const { watched, receiversOf } = await createMonitors(api, host);
  const statuses = () => readStatuses(stack.apiUrl, mode.apiKey);
  await until(async () => [...(await statuses()).values()].every((status) => status === "up"), READY_WITHIN_MS);
  const versions = { postgres: await truth.version(), redis: await redisVersion(engine, mode.redis) };

  const random = createRandom(seed);
  const faults: Fault[] = [];
  const turns: Turn[] = [];
  const kinds = [...mode.kinds, ...receiverKinds(MOODY, RECEIVER_WEIGHT)].filter(({ name }) => name.includes(only));
  const world = { engine, receivers: host.receivers, compose: stack.compose, controls: stack.controls };
  const stop = new AbortController();
  stops.push(async () => stop.abort());
  const timer = setTimeout(() => stop.abort(), minutes * 60_000);
  const ticker = setInterval(() => {
    const { ledger } = host.receivers;
    progress(`${mode.name}: ${faults.length} faults, ${turns.length} changes of status, ${ledger.length} webhooks`);
  }, PROGRESS_EVERY_MS);
  let notInjected = 0;
  const failed = (kind: string, error: unknown) => {
    notInjected += 1;
    const why = error instanceof Error ? error.message.split("\n").join(" ") : error;
    progress(`${mode.name}: not injected: ${kind}: ${why}`);
  };
  const script = { watched, targets: host.targets, random: createRandom(seed + 1), readStatuses: statuses, turns };
  let recoveredMs = 0;
  await Promise.all([
    playScript(script, stop.signal),
    inject({ world, planned: plan(kinds, random), faults, failed }, stop.signal).then(() => {
      recoveredMs = nowMs();
    }),
  ]).finally(() => {
    clearTimeout(timer);
    clearInterval(ticker);
  });

  progress(`${mode.name}: everything is fixed; waiting for the last notifications`);
  await untilNotified(truth).catch(() => progress(`${mode.name}: not everything was notified in time`));
  const settledMs = nowMs() - recoveredMs;
  const stored: Stored = await truth.stored();
  const evidence = { receiversOf, systemReceiver: STEADY, turns, stored, ledger: host.receivers.ledger, faults };
  return { evidence, notInjected, checks: host.targets.asked(), settledMs, versions };
}

/** Three times in a row, some time apart: what a statement under way does is in no count. */
async function untilNotified(truth: Truth): Promise<void> {
  let quiet = 0;
  await until(async () => {
    const { events, deliveries } = await truth.pending();
    quiet = events + deliveries === 0 ? quiet + 1 : 0;
    return quiet === 3;
  }, SETTLED_WITHIN_MS);
}

async function until(isSo: () => Promise<boolean>, withinMs: number): Promise<void> {
  const endMs = nowMs() + withinMs;
  while (!(await isSo().catch(() => false))) {
    if (nowMs() > endMs) throw new Error(`Not so within ${withinMs / 1000} s`);
    await delay(1000);
  }
}

async function redisVersion(engine: Engine, service: string): Promise<string> {
  const [container = ""] = await engine.running(service);
  const info = await engine.exec(container, "redis-server", "--version");
  return /v=(\S+)/.exec(info)?.[1] ?? "unknown";
}
