import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import { ownPostgresMissing, startOwnPostgres } from "../testing/postgres.ts";
import { installRuntimes } from "../tests/conformance/support/runtimes.ts";
import { type ColdOptions, coldHosts, type Probe } from "./cold-hosts.ts";
import {
  type ColdFigures,
  type ColdStart,
  coldStart,
  coldTable,
  missedColdBars,
  withColdSection,
} from "./cold-report.ts";
import { startEmulators } from "./emulators.ts";
import { describeMachine } from "./machine.ts";
import { startStreams } from "./services.ts";

const RUNS = 15;
const ROUTES = [
  { route: "get-healthz", path: "/healthz", isQuery: false },
  { route: "list-monitors", path: "/v1/monitors", isQuery: true },
] as const;
/** What a function is that does nothing, on each host. */
const EMPTY = {
  lambda: "export const handler = async () => ({ statusCode: 200 });",
  cloudflare: "export default { fetch: () => new Response() };",
  fetch: "export default { fetch: () => new Response() };",
};
type Host = keyof typeof EMPTY;
const HOSTS: readonly Host[] = ["lambda", "cloudflare", "fetch"];
/** This file runs as dist/bench/cold.mjs. */
const DIST = dirname(import.meta.dirname);
const DOCUMENT = join(DIST, "../docs/deploying.md");

/** What was started, to be stopped in the opposite order however the run ends. */
const stops: (() => Promise<unknown>)[] = [];
function started<T extends { stop(): Promise<unknown> }>(thing: T): T {
  stops.push(() => thing.stop());
  return thing;
}

async function stopAll(): Promise<void> {
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
}

function progress(text: string): void {
  process.stderr.write(`${((performance.now() / 1000) | 0).toString().padStart(4)} s  ${text}\n`);
}

async function run(): Promise<ColdFigures> {
  if (ownPostgresMissing !== null) throw new Error(`The bench needs Postgres: ${ownPostgresMissing}`);
  progress("installing the hosts' runtimes, where they are not yet");
  const runtimes = await installRuntimes(join(DIST, "../tests/conformance"));
  progress("starting Postgres and Redis");
  const server = started(await startOwnPostgres({ settings: ["fsync=on"] }));
  const redis = started(await startStreams());
  const machine = await describeMachine(server.url, redis.url);
  const emulators = started(await startEmulators({ databaseUrl: await server.createDatabase(), redisUrl: redis.url }));
  const folder = await mkdtemp(join(tmpdir(), "stillup-cold-"));
  stops.push(() => rm(folder, { recursive: true }));
  const { sqlPort, ca } = emulators.route;
  const options: ColdOptions = { runtimes, folder, neon: { port: `${sqlPort}`, ca } };
  const variables = { ...emulators.variables, API_KEY: randomBytes(24).toString("base64url"), LOG_LEVEL: "WARN" };
  const starts: ColdStart[] = [];
  for (const host of HOSTS) {
    progress(`${host}: ${RUNS} times each`);
    starts.push(...(await measureHost(host, variables, options)));
  }
  return { machine, runs: RUNS, starts };
}

/** Every function by turns, the first round being for the machine's caches. */
async function measureHost(host: Host, variables: Probe["variables"], options: ColdOptions): Promise<ColdStart[]> {
  const measure = coldHosts[host];
  const empty: Probe = { artefact: await writeEmpty(host, options.folder), path: "/healthz", variables };
  const routes = ROUTES.map((each) => {
    const probe: Probe = { artefact: artefactOf(host, each.route), path: each.path, variables };
    return { ...each, probe, pairs: [] as { emptyMs: number; routeMs: number }[] };
  });
  for (let round = 0; round <= RUNS; round++) {
    const emptyMs = await measure(empty, options);
    for (const { probe, pairs } of routes) {
      const routeMs = await measure(probe, options);
      if (round > 0) pairs.push({ emptyMs, routeMs });
    }
  }
  return routes.map(({ route, isQuery, pairs }) => coldStart({ host, route, isQuery }, pairs));
}

function artefactOf(host: Host, route: string): string {
  return join(DIST, "hosts", host, host === "lambda" ? `${route}.zip` : `${route}/index.mjs`);
}

async function writeEmpty(host: Host, folder: string): Promise<string> {
  const file = join(folder, host === "lambda" ? "empty.zip" : "empty.mjs");
  const code = Buffer.from(EMPTY[host]);
  await writeFile(file, host === "lambda" ? zipSync({ "index.mjs": code }) : code);
  return file;
}

async function main(): Promise<void> {
  const figures = await run().finally(stopAll);
  await writeFile(DOCUMENT, withColdSection(await readFile(DOCUMENT, "utf8"), figures));
  console.log(process.argv.includes("--json") ? JSON.stringify(figures, null, 2) : coldTable(figures));
  const missed = missedColdBars(figures);
  for (const bar of missed) console.error(`Missed: ${bar}`);
  if (missed.length > 0) process.exitCode = 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void stopAll().finally(() => process.exit(130));
  });
}
try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
