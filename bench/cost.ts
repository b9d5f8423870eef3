import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ownPostgresMissing, startOwnPostgres } from "../testing/postgres.ts";
import { measureAlertLatency } from "./alert-latency.ts";
import { type CostFigures, costMarkdown, costTable, MAX_MONITORS, missedAims } from "./cost-report.ts";
import { describeMachine } from "./machine.ts";
import { startStreams } from "./services.ts";
import { type SimulatedDay, simulateDay } from "./simulated-day.ts";

/** Idle, a day has its hourly wake-ups and little else. With monitors each minute is like the one before. */
const DAYS = [
  { monitors: 0, hours: 24 },
  { monitors: 100, hours: 1 },
  { monitors: MAX_MONITORS, hours: 1 },
];
const ROUND_TRIP_MS = 20;
/** This file runs as dist/bench/cost.mjs. */
const DIST = dirname(import.meta.dirname);
const DOCUMENT = join(DIST, "../docs/cost.md");

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

async function run(): Promise<CostFigures> {
  if (ownPostgresMissing !== null) throw new Error(`The bench needs Postgres: ${ownPostgresMissing}`);
  progress("starting Postgres and Redis");
  const server = started(await startOwnPostgres({ settings: ["fsync=on"] }));
  const redis = started(await startStreams());
  const machine = await describeMachine(server.url, redis.url);
  const on = async () => ({ dist: DIST, databaseUrl: await server.createDatabase(), redisUrl: redis.url });

  progress(`alerts, ${ROUND_TRIP_MS} ms to each service and back`);
  const latency = await measureAlertLatency({ ...(await on()), roundTripMs: ROUND_TRIP_MS });
  const days: SimulatedDay[] = [];
  for (const { monitors, hours } of DAYS) {
    progress(`${monitors} monitors, ${hours} simulated hours`);
    days.push(await simulateDay({ ...(await on()), monitors, hours }));
  }
  return { machine, days, roundTripMs: ROUND_TRIP_MS, latency };
}

async function main(): Promise<void> {
  const figures = await run().finally(stopAll);
  await writeFile(DOCUMENT, costMarkdown(figures));
  console.log(process.argv.includes("--json") ? JSON.stringify(figures, null, 2) : costTable(figures));
  const missed = missedAims(figures);
  for (const aim of missed) console.error(`Missed: ${aim}`);
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
