import type { Config, DatabaseConfig, ProcessConfig, StreamConfig } from "../runtime/config.ts";
import type { Env } from "../runtime/contract.ts";
import type { HttpDriver } from "../runtime/http/http.ts";
import type { Log } from "../runtime/log.ts";
import { createMemo } from "../runtime/memo.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { createMetrics } from "../runtime/metrics-registry.ts";
import type { SqlDriver } from "../runtime/sql/sql.ts";
import type { EventStream } from "../runtime/stream/stream.ts";

/** Webhooks at once in one process; how many go to one channel is held in Postgres. */
const DELIVERIES_AT_ONCE = 1000;

export interface Bindings {
  /** For everything but probes. */
  readonly env: Env;
  /** The same with an `http` of its own, so that hanging targets hold up no alert where both are in one process. */
  readonly probeEnv: Env;
  readonly sql: SqlDriver;
  close(): Promise<void>;
}

/** Makes what `config` names. Drivers are loaded here and nowhere else, each only by the processes that use it. */
export async function createBindings(config: ProcessConfig, { service, log }: { service: string; log: Log }) {
  const metrics = createMetrics({ service });
  const sql = await openSql(config.database, { metrics, planOnce: service !== "api" });
  const stream = await openStream(config.stream, metrics);
  const deliveries = lazyHttp(config, { concurrency: DELIVERIES_AT_ONCE, metrics });
  const probes = lazyHttp(config, { concurrency: config.workerConcurrency, metrics });
  const env: Env = { sql, stream, http: deliveries, log, metrics, memo: createMemo(), config: functionConfig(config) };
  const bindings: Bindings = {
    env,
    probeEnv: { ...env, http: probes },
    sql,
    async close() {
      await Promise.all([sql.close(), stream.close(), deliveries.close(), probes.close()]);
    },
  };
  return bindings;
}

/** Postgres over TCP for `migrate`, which goes around a pooler. */
export async function openDirectSql({ database }: ProcessConfig): Promise<SqlDriver> {
  return openSql(database.driver === "tcp" ? { ...database, url: database.directUrl } : database);
}

async function openSql(
  database: DatabaseConfig,
  options: { metrics?: Metrics; planOnce?: boolean } = {},
): Promise<SqlDriver> {
  if (database.driver === "pglite") {
    const { createPgliteSql } = await import("../runtime/sql/pglite.ts");
    return createPgliteSql({ dataDir: database.dataDir, ...options });
  }
  const { url, directUrl } = database;
  const { createPostgresSql } = await import("../runtime/sql/postgres.ts");
  return createPostgresSql({ url, behindPooler: url !== directUrl, ...options });
}

async function openStream(stream: StreamConfig, metrics: Metrics): Promise<EventStream> {
  if (stream.driver === "memory") {
    const { createMemoryStream } = await import("../runtime/stream/memory.ts");
    return createMemoryStream();
  }
  const { createRedisStream } = await import("../runtime/stream/redis.ts");
  return createRedisStream({ url: stream.url, metrics });
}

/** Loads undici with the first call: it takes 50 ms, and most processes never call out. */
function lazyHttp(
  { networkPolicy: policy }: Config,
  { concurrency, metrics }: { concurrency: number; metrics: Metrics },
): HttpDriver {
  let opened: Promise<HttpDriver> | undefined;
  const open = async () => {
    const { createUndiciHttp } = await import("../runtime/http/undici.ts");
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

/** What functions are shown: no connection string is among it. */
function functionConfig(config: ProcessConfig): Config {
  const { apiKey, networkPolicy, publicUrl, logLevel, workerConcurrency, workerLeaseSeconds, rawCheckDays } = config;
  return { apiKey, networkPolicy, publicUrl, logLevel, workerConcurrency, workerLeaseSeconds, rawCheckDays };
}
