import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { createRouter } from "../runtime/api/router.ts";
import type { ProcessConfig } from "../runtime/config/config.ts";
import type { Log } from "../runtime/log.ts";
import type { ManifestFunction } from "../runtime/manifest.ts";
import { createBackground } from "../runtime/worker/background.ts";
import type { Part } from "../runtime/worker/drain.ts";
import { startFunctions } from "../runtime/worker/start-functions.ts";
import type { ProcessBindings } from "./env.ts";
import { loadFunctions } from "./load.ts";
import { startServer } from "./server.ts";
import { workerRoutes } from "./worker-routes.ts";

interface ServiceOptions {
  /** What runs: a worker's functions, or all of them. */
  readonly functions: readonly ManifestFunction[];
  /** Whether the API is served here, on PORT. Else it is health, readiness and metrics, on WORKER_PORT. */
  readonly isApi: boolean;
  readonly config: ProcessConfig;
  readonly bindings: ProcessBindings;
  readonly log: Log;
  /** The folder that build.mjs writes. */
  readonly dist: string;
}

/** Everything that this process runs. */
interface RunningService {
  /** Where it answers HTTP. */
  readonly url: string;
  /** In the order in which they are to be stopped. */
  readonly stages: readonly (readonly Part[])[];
}

/**
 * Starts a process' functions, and its server.
 * @throws StillupError `invalid_configuration` when the port cannot be had; then nothing runs.
 */
export async function startServices(options: ServiceOptions): Promise<RunningService> {
  const { isApi, config, bindings, log, dist } = options;
  const { env } = bindings;
  const background = createBackground(log);
  const functions = await loadFunctions(dist, options.functions);
  const router = createRouter(isApi ? functions.routes : workerRoutes(functions));
  const port = isApi
    ? { port: config.port, variable: "PORT" as const }
    : { port: config.workerPort, variable: "WORKER_PORT" as const };
  const server = await startServer({ router, env, background }, { host: config.host, ...port });
  const { parts: work } = startFunctions({
    workers: functions.workers,
    schedules: functions.schedules,
    consumer: `${hostname()}-${randomUUID().slice(0, 8)}`,
    env,
    background,
  });
  const left: Part = {
    name: "the background",
    left: () => (background.size() === 0 ? null : `${background.size()} jobs`),
    stop: background.idle,
  };
  // A worker is asked for its health until the end; the API takes no more requests at once.
  const stages = isApi ? [[...work, server], [left]] : [work, [left], [server]];
  return { url: server.url, stages };
}
