import type { Metrics } from "../metrics.ts";
import { PostgresPool } from "./postgres-pool.ts";
import { parsePostgresUrl } from "./postgres-url.ts";
import { createSql } from "./query.ts";
import type { SqlDriver } from "./sql.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=require`. */
  readonly url: string;
  readonly metrics?: Metrics;
  /** 10 when left out. */
  readonly maxConnections?: number;
  /** True behind a pooler in transaction mode, such as PgBouncer: no prepared statements, no session settings. */
  readonly behindPooler?: boolean;
  /** For a statement or a list altogether, waiting for a connection included; 8 s when left out. */
  readonly timeoutMs?: number;
  /** For connecting, a server that is just starting included; 5 s when left out. */
  readonly connectTimeoutMs?: number;
  /** After which an unused connection is closed; 60 s when left out. */
  readonly idleTimeoutMs?: number;
}

/** Migrations take as long as they take; this only ends one whose server is gone. */
const SCRIPT_TIMEOUT_MS = 600_000;

/**
 * The Sql port over TCP. Connects when first used.
 * @throws StillupError `invalid_configuration` when the URL is not usable.
 */
export function createPostgresSql(options: PostgresOptions): SqlDriver {
  const { metrics, timeoutMs = 8000 } = options;
  const pool = new PostgresPool({
    target: parsePostgresUrl(options.url),
    maxConnections: options.maxConnections ?? 10,
    ownSession: options.behindPooler !== true,
    statementTimeoutMs: timeoutMs,
    connectTimeoutMs: options.connectTimeoutMs ?? 5000,
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
  });
  return createSql({
    query(statement) {
      metrics?.count("stillup_driver_calls_total", { driver: "postgres", kind: "query" });
      return pool.use(timeoutMs, (connection) => connection.query(statement));
    },
    transaction(statements) {
      metrics?.count("stillup_driver_calls_total", { driver: "postgres", kind: "transaction" });
      return pool.use(timeoutMs, (connection) => connection.transaction(statements));
    },
    script: (text) => pool.use(SCRIPT_TIMEOUT_MS, (connection) => connection.script(text)),
    close: () => pool.close(),
  });
}
