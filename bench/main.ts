import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startStillup } from "../testing/stillup.ts";
import type { FloorMethods } from "./floor.ts";
import { startHelper } from "./helper.ts";
import { describeMachine } from "./machine.ts";
import { measureAlerts, measureFloor, measureSteady, paceOf, type Sides } from "./measure.ts";
import type { ReceiverMethods } from "./receiver.ts";
import { type Figures, markdown, missedBars, table } from "./report.ts";
import { startDatabase, startStreams } from "./services.ts";
import { createMonitors } from "./stillup.ts";
import { summarise } from "./summary.ts";
import type { TargetMethods } from "./target.ts";

const MONITORS = 500;
const INTERVAL_SECONDS = 20;
const INTERVAL_MS = INTERVAL_SECONDS * 1000;
const WARM_UP_MS = 2 * INTERVAL_MS;
const STEADY_SECONDS = 3 * INTERVAL_SECONDS;
const ROUNDS = 2;
/** This file runs as dist/bench/main.mjs. */
const DIST = dirname(import.meta.dirname);
const DOCUMENT = join(DIST, "../docs/benchmarks.md");

const names = Array.from({ length: MONITORS }, (_, index) => `target-${index}`);

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

async function run(): Promise<Figures> {
  progress("starting Postgres and Redis");
  const database = started(await startDatabase());
  const redis = started(await startStreams());
  const machine = await describeMachine(database.url, redis.url);
  const targets = started(await startHelper<TargetMethods>("target", names));
  const receiver = started(await startHelper<ReceiverMethods>("receiver"));
  const webhookUrl = await receiver.call("url");
  const floorArgs = [database.url, redis.url, webhookUrl];
  started(await startHelper<FloorMethods>("floor", ["one", ...floorArgs]));
  started(await startHelper<FloorMethods>("floor", ["two", ...floorArgs]));
  const floor = started(await startHelper<FloorMethods>("floor", ["source", ...floorArgs]));
  const sides: Sides = { targets, receiver, floor };

  progress("the floor alone, before Stillup is started");
  const evenly = names.map(() => Math.random() * INTERVAL_MS);
  const floorAlone = await measureFloor(sides, "alone", evenly);

  progress(`starting Stillup, creating ${MONITORS} monitors`);
  const stillup = started(await startStillup(DIST, database.url, redis.url));
  const urls = await Promise.all(names.map((name) => targets.call("urlOf", name)));
  await createMonitors(stillup.api, { urls, webhookUrl, intervalSeconds: INTERVAL_SECONDS });
  await delay(WARM_UP_MS);

  progress(`checks alone, for ${STEADY_SECONDS} s`);
  const steady = await measureSteady(stillup, targets, STEADY_SECONDS);

  const down: number[] = [];
  const up: number[] = [];
  const floorBeside: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`round ${round} of ${ROUNDS}: targets fail`);
    down.push(...(await measureAlerts(sides, "failing")));
    progress(`round ${round} of ${ROUNDS}: the floor`);
    floorBeside.push(...(await measureFloor(sides, `${round}-down`, await paceOf(targets, MONITORS))));
    progress(`round ${round} of ${ROUNDS}: targets recover`);
    up.push(...(await measureAlerts(sides, "ok")));
    progress(`round ${round} of ${ROUNDS}: the floor`);
    floorBeside.push(...(await measureFloor(sides, `${round}-up`, await paceOf(targets, MONITORS))));
  }
  return {
    machine,
    monitors: MONITORS,
    intervalSeconds: INTERVAL_SECONDS,
    steady,
    down: summarise(down),
    up: summarise(up),
    floor: summarise(floorBeside),
    floorAlone: summarise(floorAlone),
  };
}

async function main(): Promise<void> {
  const figures = await run().finally(stopAll);
  await writeFile(DOCUMENT, markdown(figures));
  console.log(process.argv.includes("--json") ? JSON.stringify(figures, null, 2) : table(figures));
  const missed = missedBars(figures);
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
