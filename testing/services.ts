import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { onFreePort } from "./ports.ts";

export type ServiceName = "api" | "worker-monitoring" | "worker-status-change" | "worker-notification" | "all";

/** A process of the local runtime. */
export interface Service {
  readonly name: ServiceName;
  readonly pid: number;
  /** Where it answers `/healthz` and whatever else it serves. */
  readonly origin: string;
  /** The last of what it has printed. */
  printed(): string;
  /** Sends SIGTERM; resolves with the exit code, null for one that had to be killed. */
  stop(): Promise<number | null>;
}

export interface ServiceOptions {
  /** The folder that build.mjs has written. */
  readonly dist: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Where `all` keeps its data. */
  readonly folder?: string;
}

const START_MS = 30_000;
const STOP_MS = 20_000;

/**
 * Starts a process on a free port; resolves when it is healthy. Throws with what it printed when it does not become so
 * within 30 s. Of this process' own variables it gets none.
 */
export function startService(name: ServiceName, options: ServiceOptions): Promise<Service> {
  return onFreePort((port) => startOn(`${port}`, name, options));
}

async function startOn(port: string, name: ServiceName, options: ServiceOptions): Promise<Service> {
  const { child, printed } = start(name, options, { PORT: port, WORKER_PORT: port });
  const origin = `http://127.0.0.1:${port}`;
  try {
    await untilHealthy(`${origin}/healthz`, child);
  } catch (error) {
    await stop(child);
    throw new Error(`${name} did not start: ${String(error)}\n${printed()}`, { cause: error });
  }
  return { name, pid: child.pid ?? 0, origin, printed, stop: () => stop(child) };
}

/** Runs the migrations. */
export async function runMigrations(options: ServiceOptions): Promise<void> {
  const { child, printed } = start("migrate", options, {});
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`The migration failed:\n${printed()}`);
}

function start(command: string, { dist, folder, variables }: ServiceOptions, ports: Record<string, string>) {
  const args = [join(dist, "local/main.mjs"), command, ...(folder === undefined ? [] : [folder])];
  const child = spawn(process.execPath, args, { env: { ...ports, ...variables }, stdio: ["ignore", "pipe", "pipe"] });
  const killWithParent = () => child.kill("SIGKILL");
  process.once("exit", killWithParent);
  child.once("exit", () => process.off("exit", killWithParent));
  return { child, printed: tail(child) };
}

/** Keeps the last of what a process prints, for when it fails. */
function tail(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (part: string) => {
      text = (text + part).slice(-4000);
    });
  }
  return () => text;
}

async function untilHealthy(url: string, child: ChildProcess): Promise<void> {
  for (const until = performance.now() + START_MS; performance.now() < until; await delay(50)) {
    if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`);
    const answer = await fetch(url).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok) return;
  }
  throw new Error(`no answer of ${url} within ${START_MS / 1000} s`);
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(timer);
  return child.exitCode;
}
