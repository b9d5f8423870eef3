import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import pg from "pg";
import { createPostgresSql } from "../runtime/drivers/sql/postgres.ts";
import { apiClient } from "../testing/api.ts";
import { installClock } from "../testing/clock.ts";
import type { StackMethods, StackOptions } from "./cost-stack.ts";
import { type Billed, type Emulators, startEmulators } from "./emulators.ts";
import { type Helper, startHelper } from "./helper.ts";
import { awakeMs, type Month, monthOf } from "./prices.ts";
import { createMonitors } from "./stillup.ts";

const INTERVAL_SECONDS = 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The first checks of all monitors come at once; they need some intervals to drift apart. */
const WARM_UP_MS = 5 * MINUTE_MS;
const STEP_MS = 5 * MINUTE_MS;
const ALERTING = 20;
const ALERTS_MS = 5 * MINUTE_MS;
const RAW_DAYS = 7;
const SERVICES = ["api", "worker-monitoring", "worker-status-change", "worker-notification"] as const;

export interface DayOptions {
  readonly monitors: number;
  /** How much is simulated; it is scaled to a day. */
  readonly hours: number;
  readonly dist: string;
  /** Of a migrated database of its own. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** What a day with so many monitors costs. */
export interface SimulatedDay {
  readonly monitors: number;
  readonly simulatedHours: number;
  /** In what was simulated. */
  readonly checks: number;
  readonly healthChecks: number;
  /** A day. */
  readonly commands: number;
  readonly commandsByName: Readonly<Record<string, number>>;
  readonly sqlTrips: number;
  readonly awakeHours: number;
  /** Of raw checks, once as many days are stored as are kept. */
  readonly storedGb: number;
  readonly month: Month;
  /** What an alert adds to the checks; null where none was raised. */
  readonly anAlert: { readonly alerts: number; readonly commands: number; readonly sqlTrips: number } | null;
}

type Stack = Helper<StackMethods>;

/** Runs the four services for some simulated hours, then some alerts. */
export async function simulateDay(options: DayOptions): Promise<SimulatedDay> {
  await prepare(options);
  const emulators = await startEmulators(options);
  try {
    const apiKey = randomBytes(24).toString("base64url");
    const variables = {
      ...emulators.variables,
      API_KEY: apiKey,
      NETWORK_POLICY: "private",
      LOG_LEVEL: "WARN",
      PORT: "0",
      WORKER_PORT: "0",
    };
    const { dist, databaseUrl } = options;
    const { route } = emulators;
    const wanted: StackOptions = { dist, running: SERVICES, variables, route, simulated: { databaseUrl } };
    const stack = await startHelper<StackMethods>("cost-stack", [JSON.stringify(wanted)]);
    try {
      const [origin = ""] = await stack.call("urls");
      return await measure({ ...options, stack, emulators, api: apiClient(origin, apiKey) });
    } finally {
      await stack.stop();
    }
  } finally {
    await emulators.stop();
  }
}

async function prepare({ databaseUrl, redisUrl }: DayOptions): Promise<void> {
  const sql = createPostgresSql({ url: databaseUrl });
  await installClock(sql);
  // Nothing is timed here, so nothing need wait for the disk.
  await sql.script(`alter database ${new URL(databaseUrl).pathname.slice(1)} set synchronous_commit = off`);
  await sql.close();
  const redis = new Redis(redisUrl);
  await redis.flushdb();
  await redis.quit();
}

interface Measuring extends DayOptions {
  readonly stack: Stack;
  readonly emulators: Emulators;
  readonly api: ReturnType<typeof apiClient>;
}

async function measure(measuring: Measuring): Promise<SimulatedDay> {
  const { monitors, hours, stack, emulators, api } = measuring;
  const urls = Array.from({ length: monitors }, (_, index) => `https://target-${index}.example/`);
  const webhookUrl = "https://receiver.example/";
  await createMonitors(api, { urls, webhookUrl, intervalSeconds: INTERVAL_SECONDS });
  await pass(stack, WARM_UP_MS);
  const rowsBefore = await countChecks(measuring);
  const stretch = await watch({ stack, emulators }, () => pass(stack, hours * HOUR_MS));
  const kept = await countChecks(measuring);
  const bytesACheck = kept.rows === 0 ? 0 : kept.bytes / kept.rows;
  if (kept.rows - rowsBefore.rows < stretch.checks * 0.99) throw new Error("Checks were made and not stored.");

  const scale = DAY_MS / (hours * HOUR_MS);
  const commandsByName = mapValues(stretch.commands, (count) => count * scale);
  const day = {
    commands: sum(commandsByName),
    awakeHours: (stretch.awakeMs * scale) / HOUR_MS,
    storedGb: (stretch.checks * scale * RAW_DAYS * bytesACheck) / 1e9,
  };
  return {
    ...day,
    monitors,
    simulatedHours: hours,
    checks: stretch.checks,
    healthChecks: stretch.healthy,
    commandsByName,
    sqlTrips: stretch.sqlTrips * scale,
    month: monthOf(day),
    anAlert: monitors < ALERTING ? null : await measureAlert(measuring, urls, stretch),
  };
}

/** Has some monitors go down and come back; what that cost beyond as much time without. */
async function measureAlert({ hours, stack, emulators }: Measuring, urls: readonly string[], quiet: Stretch) {
  const stretch = await watch({ stack, emulators }, async () => {
    await stack.call("fail", urls.slice(0, ALERTING));
    await pass(stack, ALERTS_MS);
    await stack.call("fix");
    await pass(stack, ALERTS_MS);
  });
  const alerts = stretch.webhooks;
  if (alerts !== 2 * ALERTING) throw new Error(`${alerts} alerts were sent instead of ${2 * ALERTING}.`);
  const share = (2 * ALERTS_MS) / (hours * HOUR_MS);
  return {
    alerts,
    commands: (sum(stretch.commands) - sum(quiet.commands) * share) / alerts,
    sqlTrips: (stretch.sqlTrips - quiet.sqlTrips * share) / alerts,
  };
}

interface Stretch {
  readonly commands: Readonly<Record<string, number>>;
  readonly sqlTrips: number;
  readonly awakeMs: number;
  readonly checks: number;
  readonly webhooks: number;
  readonly healthy: number;
}

async function watch({ stack, emulators }: Pick<Measuring, "stack" | "emulators">, live: () => Promise<void>) {
  const [billed, counts, fromMs] = [emulators.billed(), await stack.call("counts"), await stack.call("nowMs")];
  await live();
  const [after, now, toMs] = [emulators.billed(), await stack.call("counts"), await stack.call("nowMs")];
  const stretch: Stretch = {
    ...difference(after, billed),
    awakeMs: awakeMs(now.sqlTripsAtMs, fromMs, toMs),
    checks: now.checks - counts.checks,
    webhooks: now.webhooks - counts.webhooks,
    healthy: now.healthy - counts.healthy,
  };
  return stretch;
}

function difference(after: Billed, before: Billed): Billed {
  const commands = Object.entries(after.commands).map(([name, count]) => [name, count - (before.commands[name] ?? 0)]);
  return { commands: Object.fromEntries(commands), sqlTrips: after.sqlTrips - before.sqlTrips };
}

async function pass(stack: Stack, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= STEP_MS) await stack.call("advance", Math.min(left, STEP_MS));
}

/** The checks stored, and what they take with their indexes. */
async function countChecks({ databaseUrl }: DayOptions): Promise<{ rows: number; bytes: number }> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const { rows } = await client.query<{ rows: number; bytes: number }>(`
    select (select count(*) from checks)::float8 as rows,
      (select sum(pg_total_relation_size(relid)) from pg_partition_tree('checks'))::float8 as bytes`);
  await client.end();
  return rows[0] ?? { rows: 0, bytes: 0 };
}

function mapValues(record: Readonly<Record<string, number>>, map: (value: number) => number): Record<string, number> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

function sum(record: Readonly<Record<string, number>>): number {
  return Object.values(record).reduce((total, each) => total + each, 0);
}
