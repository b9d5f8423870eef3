import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { createRouter } from "../runtime/api/router.ts";
import type { ProcessConfig } from "../runtime/config/config.ts";
import type { Log } from "../runtime/log.ts";
import { createBackground } from "../runtime/worker/background.ts";
import type { Part } from "../runtime/worker/drain.ts";
import { startWorking } from "../runtime/worker/working.ts";
import type { ProcessBindings } from "./env.ts";
import { loadFunctions, type Service } from "./load.ts";
import { startServer } from "./server.ts";
import { workerRoutes } from "./worker-routes.ts";

interface ServiceOptions {
  readonly running: readonly Service[];
  readonly config: ProcessConfig;
  readonly bindings: ProcessBindings;
  readonly log: Log;
  /** The folder that build.mjs writes. */
  readonly dist: string;
}

/** Everything that this process runs, in the order in which it is to be stopped. */
interface RunningService {
  /** Where it answers HTTP. */
  readonly url: string;
  readonly stages: readonly (readonly Part[])[];
}

/**
 * Starts what the services run.
 * @throws StillupError `invalid_configuration` when the port cannot be had; then nothing runs.
 */
export async function startServices(options: ServiceOptions): Promise<RunningService> {
  const { running, config, bindings, log, dist } = options;
  const { env, probeEnv } = bindings;
  const background = createBackground(log);
  const functions = await loadFunctions(dist, running);
  const isApi = running.includes("api");
  const router = createRouter(isApi ? functions.routes : workerRoutes(functions));
  const port = isApi
    ? { port: config.port, variable: "PORT" as const }
    : { port: config.workerPort, variable: "WORKER_PORT" as const };
  const server = await startServer({ router, env, background }, { host: config.host, ...port });
  const { parts: work } = startWorking({
    workers: functions.workers,
    schedules: functions.schedules,
    consumer: `${hostname()}-${randomUUID().slice(0, 8)}`,
    env,
    probeEnv,
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
