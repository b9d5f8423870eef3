import pg from "pg";
import { createBindings } from "../local/env.ts";
import { isAlive } from "../local/healthcheck.ts";
import { functionsOf, readManifest } from "../local/load.ts";
import { startServices } from "../local/service.ts";
import { readConfig } from "../runtime/config/config.ts";
import type { Http, HttpAnswer } from "../runtime/drivers/http/http.ts";
import { createLog } from "../runtime/log.ts";
import { serve } from "./helper.ts";
import { installSimulatedClock, type SimulatedClock } from "./simulated-clock.ts";
import { type Route, routeTraffic, type Traffic } from "./traffic.ts";

// Services of Stillup in one process, as local/main.ts runs them: the bundles, their loops and drivers, what a process
// has to itself for each service. With `simulated` their time passes on demand, targets and receivers answer at once,
// and the database's clock follows. Started with <StackOptions as JSON>.

export interface StackOptions {
  readonly dist: string;
  readonly running: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly route: Route;
  /** The database itself, around the emulator. */
  readonly simulated?: { readonly databaseUrl: string };
}

/** As the Compose files have it. */
const HEALTH_CHECK_MS = 30_000;

const options = JSON.parse(process.argv[2] ?? "{}") as StackOptions;
const clock = options.simulated === undefined ? undefined : installSimulatedClock();
const database = new pg.Client(options.simulated?.databaseUrl);
if (clock !== undefined) await database.connect();
const sqlTripsAtMs: number[] = [];
const traffic = routeTraffic({
  route: options.route,
  ...(clock === undefined ? {} : { beforeSql: () => beforeSql(clock) }),
});

let setAtMs = Number.NaN;
let setting: Promise<unknown> = Promise.resolve();

/** The database's clock shows the simulated time. */
async function beforeSql({ nowMs }: SimulatedClock): Promise<void> {
  sqlTripsAtMs.push(nowMs());
  if (setAtMs !== nowMs()) {
    setAtMs = nowMs();
    setting = database.query("update testing.clock set frozen_at = $1", [new Date(setAtMs)]);
  }
  await setting;
}

const failing = new Set<string>();
let checks = 0;
let webhooks = 0;

/** Targets answer GET, receivers POST. */
const http: Http = {
  async call({ method, url }) {
    if (method === "GET") checks += 1;
    else webhooks += 1;
    return answer(failing.has(url) ? 503 : 200);
  },
};

function answer(statusCode: number): HttpAnswer {
  const phases = { dnsMs: 1, connectMs: 10, tlsMs: 20, firstByteMs: 10, bodyMs: 1 };
  return { ok: true, statusCode, headers: {}, body: "", truncated: false, totalMs: 42, phases };
}

async function start(service: string): Promise<string> {
  const manifest = await readManifest(options.dist);
  const config = readConfig(options.variables, manifest.settings);
  const log = createLog(service, config.logLevel);
  const functions = functionsOf(manifest, [service]);
  const bindings = await createBindings(config, { service, log, functions, manifest });
  const scripted = { ...bindings, env: { ...bindings.env, http, limitedHttp: http } };
  const started = { functions, isApi: service === "api", config, log, dist: options.dist };
  const { url } = await startServices({ ...started, bindings: clock === undefined ? bindings : scripted });
  return url;
}

const urls: string[] = [];
for (const service of options.running) urls.push(await start(service));

let healthy = 0;
let answering = 0;
setInterval(() => void checkHealth(), HEALTH_CHECK_MS);

async function checkHealth(): Promise<void> {
  answering += 1;
  const answers = await Promise.all(urls.map((url) => isAlive(Number(new URL(url).port))));
  healthy += answers.filter(Boolean).length;
  answering -= 1;
}

async function settled({ settled: rest }: Traffic): Promise<void> {
  do {
    await rest();
  } while (answering > 0);
}

const methods = {
  urls: () => urls,
  /** Lets simulated time pass. */
  advance: async (ms: number) => await clock?.advance(ms, () => settled(traffic)),
  fail(targets: readonly string[]) {
    for (const url of targets) failing.add(url);
  },
  fix: () => failing.clear(),
  nowMs: () => clock?.nowMs() ?? Date.now(),
  /** What has happened so far. `sqlTripsAtMs` are those since the last time that it was asked. */
  counts: () => ({ checks, webhooks, healthy, sqlTripsAtMs: sqlTripsAtMs.splice(0) }),
  forgetConnections: () => traffic.forgetConnections(),
};
export type StackMethods = typeof methods;
serve(methods);
