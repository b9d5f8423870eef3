import {
  type Config,
  type DatabaseConfig,
  functionConfig,
  type ProcessConfig,
  SHARED_HTTP_CALLS,
  type StreamConfig,
} from "../runtime/config/config.ts";
import type { HttpDriver } from "../runtime/drivers/http/http.ts";
import { isPooledUrl } from "../runtime/drivers/sql/neon-url.ts";
import type { SqlDriver } from "../runtime/drivers/sql/sql.ts";
import type { EventStream } from "../runtime/drivers/stream/stream.ts";
import type { HostEnv } from "../runtime/host-env.ts";
import type { Log } from "../runtime/log.ts";
import { type Manifest, type ManifestFunction, sourcesOf } from "../runtime/manifest.ts";
import { createMemo } from "../runtime/memo.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { createMetrics } from "../runtime/metrics-registry.ts";
import { createWarmUp } from "./warm-up.ts";

/** A full database still answers much, so a refused write counts for so long. Workers write every few seconds. */
const WRITE_REFUSED_MS = 30_000;

export interface ProcessBindings {
  readonly env: HostEnv;
  readonly sql: SqlDriver;
  close(): Promise<void>;
}

interface BindingsOptions {
  /** The service's name, for metrics. */
  readonly service: string;
  readonly log: Log;
  /** What runs here. */
  readonly functions: readonly ManifestFunction[];
  readonly manifest: Manifest;
}

/** Makes what `config` names. Drivers are loaded here and nowhere else, each only by the processes that use it. */
export async function createBindings(config: ProcessConfig, { service, log, functions, manifest }: BindingsOptions) {
  const metrics = createMetrics({ service, metrics: manifest.metrics });
  // A function with a limited http calls out before it needs the database. The others send a statement at once.
  const startsWithSql = functions.every(({ ports }) => ports?.http !== "limited");
  let writeRefusedAt = Number.NEGATIVE_INFINITY;
  const reached = {
    sql: false,
    stream: false,
    get writeRefused() {
      return performance.now() - writeRefusedAt < WRITE_REFUSED_MS;
    },
  };
  const sql = await openSql(config.database, {
    metrics,
    planOnce: service !== "api",
    onRefusedWrite() {
      writeRefusedAt = performance.now();
    },
    onCall(isThere) {
      reached.sql = isThere;
      warmUp.used();
    },
  });
  const warmUp = createWarmUp(() => sql`select 1`);
  const stream = await openStream(config.stream, {
    metrics,
    onCall(isThere) {
      reached.stream = isThere;
    },
    ...(config.database.driver === "http" && startsWithSql ? { onAdded: warmUp.begin } : {}),
  });
  const http = lazyHttp(config, { concurrency: SHARED_HTTP_CALLS, metrics });
  const limitedHttp = lazyHttp(config, { concurrency: config.workerConcurrency, metrics });
  const env: HostEnv = {
    sql,
    stream,
    http,
    limitedHttp,
    log,
    metrics,
    memo: createMemo(),
    sources: sourcesOf(manifest),
    reached,
    config: functionConfig(config),
  };
  const bindings: ProcessBindings = {
    env,
    sql,
    async close() {
      await Promise.all([sql.close(), stream.close(), http.close(), limitedHttp.close()]);
    },
  };
  return bindings;
}

/** For migrations: a database that is not embedded is reached over TCP, without a pooler. */
export async function openDirectSql({ database }: ProcessConfig): Promise<SqlDriver> {
  if (database.driver === "pglite") return openSql(database);
  return openSql({ ...database, driver: "tcp", url: database.directUrl });
}

interface Watching {
  readonly metrics?: Metrics;
  /** Called after each call with whether it reached the service, by drivers for which asking costs. */
  readonly onCall?: (isThere: boolean) => void;
}

interface Hearing {
  /** Notified when there is something to read, by the driver for which a read takes a trip from then. */
  readonly onAdded?: () => void;
}

/** What functions are given. */
export async function openSql(
  database: DatabaseConfig,
  options: Watching & { planOnce?: boolean; onRefusedWrite?: () => void } = {},
): Promise<SqlDriver> {
  if (database.driver === "pglite") {
    const { createPgliteSql } = await import("../runtime/drivers/sql/pglite.ts");
    return createPgliteSql({ ...options, dataDir: database.dataDir });
  }
  const { url, directUrl } = database;
  if (database.driver === "http") {
    const { createNeonSql } = await import("../runtime/drivers/sql/neon.ts");
    return createNeonSql({ ...options, url });
  }
  const { createPostgresSql } = await import("../runtime/drivers/sql/postgres.ts");
  const behindPooler = isPooledUrl(url) || new URL(url).host !== new URL(directUrl).host;
  return createPostgresSql({ ...options, url, behindPooler });
}

export async function openStream(stream: StreamConfig, watching: Watching & Hearing = {}): Promise<EventStream> {
  if (stream.driver === "memory") {
    const { createMemoryStream } = await import("../runtime/drivers/stream/memory.ts");
    return createMemoryStream();
  }
  if (stream.driver === "http") {
    const { createUpstashStream } = await import("../runtime/drivers/stream/upstash.ts");
    return createUpstashStream({ ...watching, url: stream.url, token: stream.token });
  }
  const { createRedisStream } = await import("../runtime/drivers/stream/redis.ts");
  return createRedisStream({ ...watching, url: stream.url });
}

/** Loads undici with the first call: it takes 50 ms, and most processes never call out. */
function lazyHttp(
  { networkPolicy: policy }: Config,
  { concurrency, metrics }: { concurrency: number; metrics: Metrics },
): HttpDriver {
  let opened: Promise<HttpDriver> | undefined;
  const open = async () => {
    const { createUndiciHttp } = await import("../runtime/drivers/http/undici.ts");
    return createUndiciHttp({ policy, concurrency, metrics });
  };
  return {
    async call(request) {
      opened ??= open();
      return (await opened).call(request);
    },
    async close() {
      await (await opened)?.close();
    },
  };
}
