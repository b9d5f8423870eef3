import { neon } from "@neondatabase/serverless";
import { isTransient, StillupError } from "../../errors.ts";
import { driverCallsTotal, type Metrics } from "../../metrics.ts";
import { backoff, retry } from "../../retry.ts";
import { createGate } from "./gate.ts";
import { type NeonFailure, neonFailureOf } from "./neon-failure.ts";
import { parseNeonUrl } from "./neon-url.ts";
import type { PostgresTarget } from "./postgres-url.ts";
import { createSql, type Row, type Statement } from "./query.ts";
import type { SqlDriver } from "./sql.ts";
import { takesNoWrites } from "./sql-error.ts";
import { parsers } from "./values.ts";

export interface NeonOptions {
  /** As Neon's console shows it, pooled or not. */
  readonly url: string;
  readonly metrics?: Metrics;
  /** Called after each call. False: the database was not reached. */
  readonly onCall?: (reached: boolean) => void;
  /** Called when the database refuses writes: the project is full, for example, or read-only. */
  readonly onRefusedWrite?: () => void;
  /** For a statement or a list, waking the database included; 8 s when left out. */
  readonly timeoutMs?: number;
  /** Requests at once; 10 when left out. */
  readonly maxRequests?: number;
  /** Further options for fetch, such as Node's `dispatcher`. */
  readonly fetchOptions?: Readonly<Record<string, unknown>>;
}

const SEND_AGAIN = { firstMs: 100, maxMs: 1000 };

/**
 * The Sql port over HTTP, on Neon. Every call is one request. Within the time-out it is repeated only when the
 * statements were certainly not carried out: the database wakes, or there is no connection to it.
 * @throws StillupError `invalid_configuration` when the URL is not usable.
 */
export function createNeonSql(options: NeonOptions): SqlDriver {
  const { metrics, onCall, timeoutMs = 8000 } = options;
  const target = parseNeonUrl(options.url);
  const place = `${target.host}/${target.database}`;
  const hide = hider(options.url, target);
  const send = createSender(options, timeoutMs);
  const gate = createGate(place, options.maxRequests ?? 10);

  const call = (kind: "query" | "transaction", statements: readonly Statement[]): Promise<Row[][]> => {
    const about = { place, hide, text: statements.map(({ text }) => text).join("; ") };
    const answered = gate.pass(timeoutMs, async (signal) => {
      let failure: NeonFailure | undefined;
      const trySending = async () => {
        metrics?.count(driverCallsTotal, { driver: "neon", kind });
        try {
          return await send(statements, signal);
        } catch (error) {
          // When time runs out in a later try, the failure before says more than that time ran out.
          if (signal.aborted) throw failure?.error ?? signal.reason;
          failure = neonFailureOf(error, about);
          throw failure.error;
        }
      };
      return retry(trySending, { delays: backoff(SEND_AGAIN), signal, when: () => failure?.mayRepeat === true });
    });
    answered.then(
      () => onCall?.(true),
      (error: unknown) => {
        onCall?.(!isTransient(error));
        if (takesNoWrites(error)) options.onRefusedWrite?.();
      },
    );
    return answered;
  };
  return createSql({
    query: async (statement) => (await call("query", [statement]))[0] ?? [],
    transaction: (statements) => call("transaction", statements),
    async script() {
      const remedy = "Migrations run over TCP, with the database's direct host";
      throw new StillupError("invalid_configuration", `Scripts cannot be sent over HTTP. ${remedy}.`);
    },
    close: () => gate.close(),
  });
}

type Send = (statements: readonly Statement[], signal: AbortSignal) => Promise<Row[][]>;

/**
 * Even one statement is sent as a list, which begins with the session's settings: of the connection string Neon's proxy
 * uses only user and database. The settings end with the list.
 */
function createSender({ url, fetchOptions }: NeonOptions, timeoutMs: number): Send {
  const client = neon(url);
  const settings = {
    text: `select set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true),
      set_config('statement_timeout', $1, true)`,
    values: [String(timeoutMs)],
  };
  return async (statements, signal) => {
    const queries = [settings, ...statements].map(({ text, values }) =>
      client.query(text, values.map(toWellFormed), { types }),
    );
    const [, ...rows] = await client.transaction(queries, {
      isolationLevel: "ReadCommitted",
      // fetch keeps the header with the connection string when it follows a redirect to somebody else.
      fetchOptions: { ...fetchOptions, redirect: "manual", signal },
    });
    return rows;
  };
}

/** In place of the driver's own parsers: in a list it uses only what each query brings. */
const types = { getTypeParser: (oid: number) => parsers[oid] ?? asText };

function asText(text: string): string {
  return text;
}

/** JSON escapes half of a surrogate pair, which Neon's proxy refuses. The other drivers send U+FFFD for it. */
function toWellFormed(value: string | null): string | null {
  return value === null ? null : value.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Removes the connection string and its password from a text. */
function hider(url: string, { password }: PostgresTarget): (text: string) => string {
  const secrets = [url, password, new URL(url).password, encodeURIComponent(password)].filter(
    (secret) => secret !== "",
  );
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, "***"), text);
}
