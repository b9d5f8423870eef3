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
  /** Notified after each call whether it found the database there. */
  readonly onCall?: (isThere: boolean) => void;
  /** Notified when the database takes no writes: the project is full, say, or read-only. */
  readonly onRefusedWrite?: () => void;
  /** For a statement or a list altogether, a database that must wake first included; 8 s when left out. */
  readonly timeoutMs?: number;
  /** Requests at once; 10 when left out. */
  readonly maxRequests?: number;
  /** What fetch is given besides, such as Node's `dispatcher`. */
  readonly fetchOptions?: Readonly<Record<string, unknown>>;
}

const SEND_AGAIN = { firstMs: 100, maxMs: 1000 };

/**
 * The Sql port over HTTP, on Neon. Every call is one request. It is repeated, for as long as the time-out allows, only
 * when the statements surely were not carried out: the database wakes, or there is no connection to it.
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
 * Statements go as a list even when there is one: a session's settings cannot come with the connection, of which Neon's
 * proxy takes user and database alone, so a list begins with them. They end with the list.
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
      // Followed elsewhere, a redirect would take the connection string along: it is in a header that fetch keeps.
      fetchOptions: { ...fetchOptions, redirect: "manual", signal },
    });
    return rows;
  };
}

/** The driver's own parsers are left out: in a list it heeds only what each query brings. */
const types = { getTypeParser: (oid: number) => parsers[oid] ?? asText };

function asText(text: string): string {
  return text;
}

/** Half a surrogate pair is an escape in JSON, which Neon's proxy refuses; the other drivers send U+FFFD for it. */
function toWellFormed(value: string | null): string | null {
  return value === null ? null : value.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Takes the connection string and its password out of a text. */
function hider(url: string, { password }: PostgresTarget): (text: string) => string {
  const secrets = [url, password, new URL(url).password, encodeURIComponent(password)].filter(
    (secret) => secret !== "",
  );
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, "***"), text);
}
