import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { type ApiClient, apiClient } from "../testing/api.ts";
import type { StackMethods, StackOptions } from "./cost-stack.ts";
import { startEmulators } from "./emulators.ts";
import { type Helper, startHelper } from "./helper.ts";
import { measureAlerts } from "./measure.ts";
import type { ReceiverMethods } from "./receiver.ts";
import { createMonitors } from "./stillup.ts";
import { type Summary, summarise } from "./summary.ts";
import type { TargetMethods } from "./target.ts";

const SERVICES = ["api", "worker-monitoring", "worker-status-change", "worker-notification"] as const;
const MONITORS = 20;
const INTERVAL_SECONDS = 10;
const ROUNDS = 2;
const IDLE_ROUNDS = 10;
/** An hour's checks, of which none comes by itself meanwhile. */
const LONG_SECONDS = 3600;
/** Awake, the runs of the schedules that look for work come closer together than this. */
const ASLEEP = "15 s";
/** So long before a check those schedules wake. */
const WAKE_SECONDS = 5;
const PATIENCE_MS = 90_000;
const POLL_MS = 100;

export interface LatencyOptions {
  readonly roundTripMs: number;
  readonly dist: string;
  /** Of a migrated database of its own. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** From just before a target writes its failing answer to the webhook's last byte, in milliseconds. */
export interface AlertLatency {
  /** Alerts come at the pace of checks, over connections in use. */
  readonly warm: Summary;
  /** Nothing has happened, and no connection is open but those on which wake-ups are heard. */
  readonly afterIdle: Summary;
}

interface Parts {
  readonly stacks: readonly Helper<StackMethods>[];
  readonly api: ApiClient;
  readonly targets: Helper<TargetMethods>;
  readonly receiver: Helper<ReceiverMethods>;
  readonly database: pg.Client;
}

/** Runs the four services, a process each, in real time. */
export async function measureAlertLatency(options: LatencyOptions): Promise<AlertLatency> {
  const stops: (() => Promise<unknown>)[] = [];
  const started = <T extends { stop(): Promise<unknown> }>(thing: T): T => {
    stops.push(() => thing.stop());
    return thing;
  };
  try {
    const emulators = started(await startEmulators(options));
    const names = Array.from({ length: MONITORS }, (_, index) => `target-${index}`);
    const targets = started(await startHelper<TargetMethods>("target", names));
    const receiver = started(await startHelper<ReceiverMethods>("receiver"));
    const database = new pg.Client(options.databaseUrl);
    await database.connect();
    stops.push(() => database.end());

    const apiKey = randomBytes(24).toString("base64url");
    const shared = { API_KEY: apiKey, NETWORK_POLICY: "private", LOG_LEVEL: "WARN", PORT: "0", WORKER_PORT: "0" };
    const variables = { ...emulators.variables, ...shared };
    const startStack = async (service: string) => {
      const wanted: StackOptions = { dist: options.dist, running: [service], variables, route: emulators.route };
      return started(await startHelper<StackMethods>("cost-stack", [JSON.stringify(wanted)]));
    };
    const stacks = await Promise.all(SERVICES.map(startStack));
    const [origin = ""] = (await stacks[0]?.call("urls")) ?? [];
    const parts: Parts = { stacks, api: apiClient(origin, apiKey), targets, receiver, database };
    const urls = await Promise.all(names.map((name) => targets.call("urlOf", name)));
    const webhookUrl = await receiver.call("url");
    await createMonitors(parts.api, { urls, webhookUrl, intervalSeconds: INTERVAL_SECONDS });
    await untilUp(parts);
    return { warm: await measureWarm(parts), afterIdle: await measureAfterIdle(parts, names) };
  } finally {
    for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
  }
}

async function untilUp({ database }: Parts): Promise<void> {
  await until("Not all monitors are up.", async () => {
    const { rows } = await database.query("select from monitors where status <> 'up'");
    return rows.length === 0;
  });
}

async function measureWarm(parts: Parts): Promise<Summary> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    times.push(...(await measureAlerts(parts, "failing")));
    times.push(...(await measureAlerts(parts, "ok")));
  }
  return summarise(times);
}

/** One alert after the other, each after the schedules that look for work fell asleep. */
async function measureAfterIdle(parts: Parts, names: readonly string[]): Promise<Summary> {
  const { database, targets, receiver } = parts;
  await database.query("update monitors set interval_seconds = $1", [LONG_SECONDS]);
  const [other = "", ...others] = names;
  const times: number[] = [];
  for (const name of others.slice(0, IDLE_ROUNDS)) {
    await fallAsleep(parts);
    const arrivalsBefore = await receiver.call("count");
    const turnsBefore = (await targets.call("turns")).length;
    await targets.call("behaveAlone", name, "failing");
    await wakeFor(parts, await targets.call("urlOf", name), await targets.call("urlOf", other));
    await until("An alert has not arrived.", async () => (await receiver.call("count")) > arrivalsBefore);
    const turn = (await targets.call("turns"))[turnsBefore];
    const arrival = (await receiver.call("arrivals"))[arrivalsBefore];
    if (turn?.name !== name || arrival?.name !== name) throw new Error(`Something else than ${name} was notified.`);
    times.push(arrival.atMs - turn.atMs);
  }
  return summarise(times);
}

/** As when nothing was to be done for long: what schedules remember of it is taken back. */
async function fallAsleep({ database }: Parts): Promise<void> {
  await until("A check's result was not stored.", async () => {
    const { rows } = await database.query("select from monitors where seq > last_seq");
    return rows.length === 0;
  });
  await database.query("update monitors set next_check_at = app_now() + interval '50 min'");
  await database.query("update schedules set busy_at = '-infinity'");
  await until("The schedules do not fall asleep.", async () => {
    const { rows } = await database.query(
      "select from schedules where name ~ '^(enqueue|sweep)' and next_run_at < last_run_at + $1::interval",
      [ASLEEP],
    );
    return rows.length === 0;
  });
}

/**
 * The end of an idle hour: no connection is left but those on which wake-ups are heard, the schedules wake, and soon a check
 * is due. It is another's check, asked for now, that wakes them.
 */
async function wakeFor({ database, stacks, api }: Parts, url: string, otherUrl: string): Promise<void> {
  const { rows } = await database.query<{ id: string }>("select id from monitors where target = $1", [otherUrl]);
  await Promise.all(stacks.map((stack) => stack.call("forgetConnections")));
  await database.query("update monitors set next_check_at = app_now() + make_interval(secs => $2) where target = $1", [
    url,
    WAKE_SECONDS,
  ]);
  await api.call("POST", `/v1/monitors/${rows[0]?.id}/check`);
}

async function until(elseMessage: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await delay(POLL_MS)) {
    if (await isSo()) return;
  }
  throw new Error(elseMessage);
}
