import { join } from "node:path";
import { type ProcessConfig, readOneProcessConfig, type Variables } from "../runtime/config/config.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { drain, type Part, whatIsLeft } from "../runtime/worker/drain.ts";
import { createBindings, type ProcessBindings } from "./env.ts";
import { type Service, services } from "./load.ts";
import { applyMigrations, checkMigrated } from "./migrate.ts";
import { freeLeases, keptApiKey, makeDataFolder, welcome } from "./one-process.ts";
import { streamVariable, waitFor } from "./reachable.ts";
import { startServices } from "./service.ts";
import { endOnBugs, type StopSignal, tellWhatIsLeft } from "./signals.ts";

interface RunOptions {
  /** The folder that build.mjs writes. */
  readonly dist: string;
  readonly stop: StopSignal;
}

interface Run extends RunOptions {
  /** What the process calls itself in logs and metrics. */
  readonly name: string;
  readonly running: readonly Service[];
  readonly config: ProcessConfig;
  /** What is to be done before anything runs. */
  prepare(bindings: ProcessBindings, signal: AbortSignal): Promise<void>;
  started(url: string, log: Log): void;
}

/** Runs one service until it is stopped, and ends the process. */
export function runService(service: Service, { config, dist, stop }: RunOptions & { config: ProcessConfig }) {
  return run({
    name: service,
    running: [service],
    config,
    dist,
    stop,
    async prepare({ env }, signal) {
      await waitFor(() => env.sql`select 1`, { variable: "DATABASE_URL", signal });
      await waitFor(() => env.stream.ping(), { variable: streamVariable(config), signal });
      await checkMigrated(env.sql, dist);
    },
    started: (url, log) => log.info("Running.", { url }),
  });
}

/** Runs everything in this process, with the data in `folder`, until it is stopped, and ends the process. */
export async function runAll({ variables, dist, folder, stop }: RunOptions & { variables: Variables; folder: string }) {
  await makeDataFolder(folder);
  const keptKey = variables["API_KEY"] ? null : await keptApiKey(folder);
  const config = readOneProcessConfig(variables, { dataDir: join(folder, "postgres"), apiKey: keptKey ?? "" });
  await run({
    name: "stillup",
    running: services,
    config,
    dist,
    stop,
    async prepare({ sql }) {
      await applyMigrations(sql, dist);
      await freeLeases(sql);
    },
    started(url) {
      process.stdout.write(welcome({ url, apiKey: keptKey, colour: process.stdout.isTTY }));
    },
  });
}

async function run({ name, running, config, dist, prepare, started, stop }: Run): Promise<never> {
  const log = createLog(name, config.logLevel);
  endOnBugs(log);
  let stages: readonly (readonly Part[])[] = [];
  const { signal } = stop;
  stop.left = () => whatIsLeft(stages);
  const bindings = await createBindings(config, { service: name, log });
  stages = [[{ name: "the connections", left: () => null, stop: bindings.close }]];
  try {
    await prepare(bindings, signal);
    const { url, stages: work } = await startServices({ running, config, bindings, log, dist });
    stages = [...work, ...stages];
    started(url, log);
  } catch (error) {
    await drain(stages, { seconds: config.drainSeconds, log });
    if (!signal.aborted) throw error;
  }
  await aborted(signal);
  log.info("Stopping.", { drainSeconds: config.drainSeconds });
  const inTime = await drain(stages, { seconds: config.drainSeconds, log });
  if (inTime) log.info("Stopped.");
  else tellWhatIsLeft(`Not stopped within ${config.drainSeconds} s (DRAIN_SECONDS).`, whatIsLeft(stages));
  process.exit(inTime ? 0 : 1);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
