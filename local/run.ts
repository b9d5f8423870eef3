import { join } from "node:path";
import { type ProcessConfig, readOneProcessConfig, type Variables } from "../runtime/config/config.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { type Manifest, serviceNames } from "../runtime/manifest.ts";
import { drain, type Part, whatIsLeft } from "../runtime/worker/drain.ts";
import { createBindings, type ProcessBindings } from "./env.ts";
import { functionsOf } from "./load.ts";
import { applyMigrations, checkMigrated } from "./migrate.ts";
import { keptApiKey, makeDataFolder, welcome } from "./one-process.ts";
import { streamVariable, waitFor } from "./reachable.ts";
import { startServices } from "./service.ts";
import { endOnBugs, type StopSignal, tellWhatIsLeft } from "./signals.ts";

interface RunOptions {
  /** The folder that build.mjs writes. */
  readonly dist: string;
  readonly manifest: Manifest;
  readonly stop: StopSignal;
}

interface Run extends RunOptions {
  /** What the process calls itself in logs and metrics. */
  readonly name: string;
  readonly services: readonly string[];
  readonly config: ProcessConfig;
  /** What is to be done before anything runs. */
  prepare(bindings: ProcessBindings, signal: AbortSignal): Promise<void>;
  started(url: string, log: Log): void;
}

/** Runs one service until it is stopped, and ends the process. */
export function runService(service: string, { config, ...options }: RunOptions & { config: ProcessConfig }) {
  return run({
    ...options,
    name: service,
    services: [service],
    config,
    async prepare({ env }, signal) {
      await waitFor(() => env.sql`select 1`, { variable: "DATABASE_URL", signal });
      await waitFor(() => env.stream.ping(), { variable: streamVariable(config), signal });
      await checkMigrated(env.sql, options.dist);
    },
    started: (url, log) => log.info("Running.", { url }),
  });
}

/** Runs everything in this process, with the data in `folder`, until it is stopped, and ends the process. */
export async function runAll({ variables, folder, ...options }: RunOptions & { variables: Variables; folder: string }) {
  await makeDataFolder(folder);
  const keptKey = variables["API_KEY"] ? null : await keptApiKey(folder);
  const { settings } = options.manifest;
  const config = readOneProcessConfig(variables, {
    dataDir: join(folder, "postgres"),
    apiKey: keptKey ?? "",
    settings,
  });
  await run({
    ...options,
    name: "stillup",
    services: serviceNames(options.manifest),
    config,
    async prepare({ sql }) {
      await applyMigrations(sql, options.dist);
      // Only this process uses the folder, so no lease of an earlier one is still held.
      await sql`select free_leases()`;
    },
    started(url) {
      process.stdout.write(welcome({ url, apiKey: keptKey, colour: process.stdout.isTTY }));
    },
  });
}

async function run({ name, services, config, dist, manifest, prepare, started, stop }: Run): Promise<never> {
  const log = createLog(name, config.logLevel);
  endOnBugs(log);
  let stages: readonly (readonly Part[])[] = [];
  const { signal } = stop;
  stop.left = () => whatIsLeft(stages);
  const functions = functionsOf(manifest, services);
  const bindings = await createBindings(config, { service: name, log, functions, manifest });
  stages = [[{ name: "the connections", left: () => null, stop: bindings.close }]];
  try {
    await prepare(bindings, signal);
    const { url, stages: work } = await startServices({
      functions,
      isApi: services.includes("api"),
      config,
      bindings,
      log,
      dist,
    });
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
