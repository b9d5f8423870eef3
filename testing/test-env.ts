import type { DomainConfig } from "../domain/config.ts";
import * as domainMetrics from "../domain/metrics.ts";
import { source as checks } from "../functions/workers/monitoring.ts";
import { source as alerts } from "../functions/workers/notification.ts";
import { source as statusChanges } from "../functions/workers/status-change.ts";
import type { Config } from "../runtime/config/config.ts";
import type {
  ConsumeFunction,
  Ctx,
  FetchFunction,
  HopelessMessage,
  ScheduledFunction,
  Source,
} from "../runtime/contract.ts";
import type { SqlDriver } from "../runtime/drivers/sql/sql.ts";
import { createMemoryStream, type MemoryStream } from "../runtime/drivers/stream/memory.ts";
import type { Message, Outgoing } from "../runtime/drivers/stream/stream.ts";
import type { HostEnv } from "../runtime/host-env.ts";
import type { Log, LogFields, LogLevel } from "../runtime/log.ts";
import { createMemo } from "../runtime/memo.ts";
import { createMetrics } from "../runtime/metrics-registry.ts";
import { type Retry, settle } from "../runtime/worker/settle.ts";
import { createClock, installClock, type TestClock } from "./clock.ts";
import { makeSchedulesDue } from "./rows.ts";
import { createScriptedHttp, type ScriptedHttp } from "./scripted-http.ts";
import { emptyDatabase } from "./test-database.ts";

export interface TestEnvOptions {
  /** A migrated database to work on as it is; the test file's own in memory, emptied, when left out. */
  readonly sql?: SqlDriver;
  readonly config?: Partial<Config & DomainConfig>;
}

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** What a file of functions/workers exports: `import * as monitoring from ".../monitoring.ts"`. */
export interface WorkerFile {
  readonly default: ConsumeFunction<DomainConfig>;
  readonly source: Source;
}

/** What became of a batch by the rules of settle.ts, which every host applies. */
export interface ConsumeOutcome {
  /** The ids of the messages that are done. */
  readonly acked: readonly string[];
  readonly retried: readonly Retry[];
  readonly deadLettered: readonly HopelessMessage[];
  /** What the worker's result publishes; it is in `env.stream`, too. */
  readonly published: readonly Outgoing[];
  /** What the worker threw; undefined when it did not. */
  readonly error: unknown;
}

export interface RunOutcome {
  /** What the schedule publishes; it is in `env.stream`, too. */
  readonly published: readonly Outgoing[];
  /** When the schedule wants to run next; undefined when it does not say. */
  readonly nextInMs: number | undefined;
}

/** All bindings, and what a test does with them. */
export interface TestEnv extends HostEnv<DomainConfig> {
  readonly sql: SqlDriver;
  readonly stream: MemoryStream;
  /** Both kinds of outgoing HTTP are this one. */
  readonly http: ScriptedHttp;
  readonly clock: TestClock;
  /** What was logged, oldest first. */
  readonly logged: readonly LogLine[];
  ctx(over?: Partial<Ctx>): Ctx;
  /** A request with the key in it; a body that is no string is sent as JSON. */
  request(method: string, path: string, body?: unknown): Request;
  /** Calls a route and waits for what it left to `waitUntil`, too. */
  call(route: FetchFunction, request: Request): Promise<Response>;
  /** Gives a worker one batch of messages and applies the result as a host does. */
  consume(worker: WorkerFile, messages: readonly Message[]): Promise<ConsumeOutcome>;
  /** Makes every schedule due and runs this one once. */
  run(schedule: ScheduledFunction<DomainConfig>): Promise<RunOutcome>;
  /** Resolves when nothing given to `waitUntil` is under way. */
  close(): Promise<void>;
}

/**
 * Everything that a handler needs, within this process: Postgres (PGlite), streams in memory, an `http` that answers by
 * script, a captured log, and the clock that all SQL reads. Each call empties the test file's database, so only the
 * newest environment of a file is of use. Tests of a route, a worker and a schedule:
 *
 *     test("a route: a new monitor is pending", async () => {
 *       const env = await testEnv();
 *       const response = await env.call(createMonitor, env.request("POST", "/v1/monitors", aMonitor()));
 *       expect(response.status).toBe(201);
 *       expect(await response.json()).toMatchObject({ name: "Shop", status: "pending" });
 *     });
 *
 *     test("a worker: a monitor that goes down wakes the channels that are notified", async () => {
 *       const env = await testEnv();
 *       const channel = await addChannel(env.sql);
 *       const monitor = await addMonitor(env.sql, aPendingDown());
 *       const { acked, published } = await env.consume(statusChange, [aMessage({ ids: [monitor] }, { id: "1-0" })]);
 *       expect(acked).toEqual(["1-0"]);
 *       expect(published).toEqual(alertsDue.messages([channel]));
 *     });
 *
 *     test("a schedule: a check that is due is enqueued once", async () => {
 *       const env = await testEnv();
 *       await addMonitor(env.sql);
 *       expect((await env.run(enqueueChecks)).published).toHaveLength(1);
 *       expect((await env.run(enqueueChecks)).published).toEqual([]);
 *     });
 *
 * tests/unit/testing/examples.test.ts runs them, and the README shows them.
 */
export async function testEnv(options: TestEnvOptions = {}): Promise<TestEnv> {
  const sql = options.sql ?? (await emptyDatabase());
  if (options.sql !== undefined) await installClock(sql);
  const logged: LogLine[] = [];
  const work: Promise<unknown>[] = [];
  const settled = async () => {
    while (work.length > 0) await work.shift();
  };
  const http = createScriptedHttp();
  const env: TestEnv = {
    sql,
    stream: createMemoryStream(),
    http,
    limitedHttp: http,
    log: capturingLog(logged, {}),
    config: { ...testConfig, ...options.config },
    metrics: createMetrics({ service: "test", metrics: Object.values(domainMetrics) }),
    memo: createMemo(),
    sources: [checks, statusChanges, alerts],
    clock: createClock(sql),
    logged,
    ctx: (over) => ({
      requestId: "test-request",
      deadline: Date.now() + 10_000,
      signal: new AbortController().signal,
      waitUntil: (promise) => void work.push(promise),
      ...over,
    }),
    request(method, path, body) {
      const headers = { authorization: `Bearer ${env.config.apiKey}` };
      if (body === undefined) return new Request(`http://stillup.test${path}`, { method, headers });
      return new Request(`http://stillup.test${path}`, {
        method,
        headers: { ...headers, "content-type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
    },
    async call(route, request) {
      const response = await route.fetch(request, env, env.ctx());
      await settled();
      return response;
    },
    async consume({ default: worker, source: { stream } }, messages) {
      const batch = { source: stream, messages };
      const outcome = await worker.consume(batch, env, env.ctx()).then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      );
      await settled();
      const { ack, retry, deadLetters, publish, error } = settle(batch, outcome, () => 0.5);
      for (const { message, reason } of deadLetters) await worker.deadLetter({ stream, message, reason }, env);
      await env.stream.publish(publish);
      const deadLettered = deadLetters.map(({ message, reason }) => ({ id: message.id, reason }));
      return { acked: ack, retried: retry, deadLettered, published: publish, error };
    },
    async run(schedule) {
      await makeSchedulesDue(sql);
      const { publish: published = [], nextInMs } =
        (await schedule.scheduled({ id: "tick", scheduledTime: 0 }, env, env.ctx())) ?? {};
      await settled();
      await env.stream.publish(published);
      return { published, nextInMs };
    },
    close: settled,
  };
  return env;
}

const testConfig: Config & DomainConfig = {
  apiKey: "the-key-of-every-test-environment-0123456789",
  networkPolicy: "private",
  connectivityTargets: [],
  watchdogUrl: null,
  publicUrl: null,
  logLevel: "DEBUG",
  workerConcurrency: 200,
  workerLeaseSeconds: 120,
  drainSeconds: 10,
  rawCheckDays: 7,
};

function capturingLog(lines: LogLine[], always: LogFields): Log {
  const write =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields: { ...always, ...fields } });
    };
  return {
    debug: write("DEBUG"),
    info: write("INFO"),
    warn: write("WARN"),
    error: write("ERROR"),
    child: (fields) => capturingLog(lines, { ...always, ...fields }),
  };
}
