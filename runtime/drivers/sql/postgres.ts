import { createHash } from "node:crypto";
import pg from "pg";
import { StillupError } from "../../errors.ts";
import { driverCallsTotal, type Metrics } from "../../metrics.ts";
import { backoff, retry } from "../../retry.ts";
import { type PostgresTarget, parsePostgresUrl, placeOf } from "./postgres-url.ts";
import { createSql, type Row, type Statement } from "./query.ts";
import type { SqlDriver } from "./sql.ts";
import { refused, takesNoWrites, unavailable } from "./sql-error.ts";
import { parsers } from "./values.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=require`. */
  readonly url: string;
  readonly metrics?: Metrics;
  /** Called when the database refuses writes: its disk is full, or it is read-only. */
  readonly onRefusedWrite?: () => void;
  /** 10 when left out. */
  readonly maxConnections?: number;
  /** True behind a pooler in transaction mode, such as PgBouncer: no prepared statements, no session settings. */
  readonly behindPooler?: boolean;
  /**
   * Plans each statement once for each connection, for workers, whose plans do not depend on the values. Planning was a
   * third of an alert's time in Postgres. Not for optional filters, whose plans differ.
   */
  readonly planOnce?: boolean;
  /** For a statement or a list that has its connection; 4.5 s when left out. */
  readonly timeoutMs?: number;
  /** To get a connection, waiting for a free one or for a server that starts included; 3 s when left out. */
  readonly connectTimeoutMs?: number;
  /** An unused connection is closed after it; 60 s when left out. */
  readonly idleTimeoutMs?: number;
}

const MAX_WAITING = 1000;
/** Longer than the server's own time-out: this one is for a server that never answers. */
const GRACE_MS = 500;
/** Migrations may take long. */
const SCRIPT_TIMEOUT_MS = 600_000;
const CLOSE_TIMEOUT_MS = 4000;
const CONNECT_AGAIN = { firstMs: 100, maxMs: 400 };
/** Failures to connect that pass when the server, its proxy or its name appears. */
const PASSING = /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|57P0[1-3]|53300)$/;

/**
 * The Sql port over TCP. Connects when first used.
 * @throws StillupError `invalid_configuration` when the URL is not usable.
 */
export function createPostgresSql(options: PostgresOptions): SqlDriver {
  const { metrics, maxConnections = 10, connectTimeoutMs = 3000, timeoutMs = 4500, behindPooler = false } = options;
  const target = parsePostgresUrl(options.url);
  const place = placeOf(target);
  const pool = createPool(target, { ...options, maxConnections, connectTimeoutMs, timeoutMs });
  const open = new Set<pg.PoolClient>();
  pool.on("connect", (client) => {
    open.add(client);
    client.on("error", () => {}); // its statement fails with it
  });
  pool.on("remove", (client) => open.delete(client));
  pool.on("error", () => {}); // an unused connection broke, and the pool has dropped it
  const closing = new AbortController();
  let closed: Promise<void> | undefined;

  const acquire = async (): Promise<pg.PoolClient> => {
    if (pool.waitingCount >= MAX_WAITING) throw unavailable(place, `${MAX_WAITING} statements wait already`);
    // Half, because the last try may take as long again, and together with its statement it must end within 10 s.
    const giveUpAt = performance.now() + connectTimeoutMs / 2;
    const when = (error: unknown) => PASSING.test(codeOf(error) ?? "") && performance.now() <= giveUpAt;
    try {
      return await retry(() => pool.connect(), { delays: backoff(CONNECT_AGAIN), signal: closing.signal, when });
    } catch (error) {
      const code = codeOf(error);
      const sqlState = error instanceof pg.DatabaseError && code !== undefined ? { sqlState: code } : {};
      throw unavailable(place, reasonOf(error), { cause: error, ...sqlState });
    }
  };

  /** Gives `work` a connection for itself. The connection is closed unless it worked or refused a statement. */
  const use = async <T>(text: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await acquire();
    try {
      const value = await work(client);
      client.release();
      return value;
    } catch (error) {
      const goesOn = error instanceof pg.DatabaseError && error.severity === "ERROR" && !isStale(error);
      if (!goesOn) (client as pg.PoolClient & pg.Client).connection.stream.destroy();
      client.release(!goesOn);
      if (error instanceof pg.DatabaseError && error.code) {
        const refusal = refused(Object.assign(error, { code: error.code }), place, text);
        if (takesNoWrites(refusal)) options.onRefusedWrite?.();
        throw refusal;
      }
      throw unavailable(place, isLate(error) ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error), {
        cause: error,
      });
    }
  };

  const prepared = (statement: Statement): pg.QueryConfig & { queryMode: string } => ({
    ...(behindPooler ? {} : { name: nameOf(statement.text) }),
    text: statement.text,
    values: [...statement.values],
    queryMode: "extended", // accepts only one statement, with or without parameters
  });

  return createSql({
    async query(statement) {
      metrics?.count(driverCallsTotal, { driver: "postgres", kind: "query" });
      for (let tries = 0; ; tries++) {
        try {
          return await use(statement.text, async (client) => (await client.query<Row>(prepared(statement))).rows);
        } catch (error) {
          // A migration changed the statement's result. Each connection with an old plan fails once.
          if (!isStale(error) || tries > maxConnections) throw error;
        }
      }
    },
    transaction(statements) {
      metrics?.count(driverCallsTotal, { driver: "postgres", kind: "transaction" });
      return use(statements.map(({ text }) => text).join("; "), async (client) => {
        // Sent without waiting for answers: one round trip. After a failure the commit rolls back.
        const all = [{ text: BEGIN }, ...statements.map(prepared), { text: "commit" }];
        const results = await Promise.allSettled(all.map((each) => client.query<Row>(each)));
        const failed = results.find((result) => result.status === "rejected");
        if (failed !== undefined) throw failed.reason;
        return results.slice(1, -1).map((result) => (result.status === "fulfilled" ? result.value.rows : []));
      });
    },
    async script(text) {
      await use(text, (client) =>
        client.query({
          text: `set local statement_timeout = 0;\n${text}`,
          query_timeout: SCRIPT_TIMEOUT_MS,
        } as pg.QueryConfig),
      );
    },
    close() {
      closing.abort();
      closed ??= closePool(pool, open);
      return closed;
    },
  });
}

const BEGIN = "begin isolation level read committed";

type PoolOptions = PostgresOptions &
  Required<Pick<PostgresOptions, "maxConnections" | "connectTimeoutMs" | "timeoutMs">>;

function createPool(target: PostgresTarget, options: PoolOptions): pg.Pool {
  const { host, port, user, password, database, tls } = target;
  const { timeoutMs, behindPooler = false, planOnce = false } = options;
  const planning = planOnce && !behindPooler ? " -c plan_cache_mode=force_generic_plan" : "";
  const config = {
    host,
    port,
    user,
    password,
    database,
    ssl: tls ? { rejectUnauthorized: true } : false,
    application_name: "stillup",
    max: options.maxConnections,
    connectionTimeoutMillis: options.connectTimeoutMs,
    idleTimeoutMillis: options.idleTimeoutMs ?? 60_000,
    query_timeout: timeoutMs + GRACE_MS,
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser: (oid: number) => parsers[oid] ?? String },
    options: `-c TimeZone=UTC -c DateStyle=ISO${planning}`,
    // A pooler refuses parameters that it does not know.
    ...(behindPooler ? {} : { statement_timeout: timeoutMs, idle_in_transaction_session_timeout: 10_000 }),
  };
  return new pg.Pool(config as pg.PoolConfig); // `pipeline` is newer than the types
}

/** Refuses new statements, lets those under way finish, and closes the connections that are left after 4 s. */
async function closePool(pool: pg.Pool, open: ReadonlySet<pg.PoolClient>): Promise<void> {
  const timer = setTimeout(() => {
    for (const client of open) (client as pg.PoolClient & pg.Client).connection.stream.destroy();
  }, CLOSE_TIMEOUT_MS);
  await pool.end();
  clearTimeout(timer);
}

const names = new Map<string, string>();

/** The name under which a statement is prepared, made once for each text. There are as many texts as in the source. */
function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = createHash("sha256").update(text).digest("base64url").slice(0, 32);
  names.set(text, name);
  return name;
}

/** True when the driver gave up waiting, for which it has no code. */
function isLate(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/** True for `cached plan must not change result type`. The statement was not carried out. */
function isStale(error: unknown): boolean {
  const cause = error instanceof StillupError ? error.cause : error;
  const inner = cause instanceof pg.DatabaseError ? cause : (cause as Error | undefined)?.cause;
  return inner instanceof pg.DatabaseError && inner.routine === "RevalidateCachedQuery";
}

function codeOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** A refused `localhost` fails with an AggregateError, which has a code and no message. */
function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code !== undefined && /CERT|SIGNATURE|ERR_TLS/.test(code)) {
    const remedy = "name the CA's file in NODE_EXTRA_CA_CERTS, or use the host that the certificate is for";
    return `its certificate cannot be verified (${code}); ${remedy}`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return (message || String(code)).replace(/\.$/, "");
}
