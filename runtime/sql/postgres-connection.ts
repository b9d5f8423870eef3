import type { Socket } from "node:net";
import postgres from "postgres";
import { StillupError } from "../errors.ts";
import { closedAtOnce, openSocket } from "./postgres-socket.ts";
import { type PostgresTarget, placeOf } from "./postgres-url.ts";
import type { Row, Statement } from "./query.ts";
import { refused, type ServerError, unavailable } from "./sql-error.ts";
import { parsers } from "./values.ts";

type Client = postgres.Sql;
type Pending = postgres.PendingQuery<postgres.Row[]>;

/** One session, for one user at a time. What it throws are StillupErrors. */
export interface PostgresConnection {
  /** False as soon as its socket has failed or is closing. */
  readonly isUsable: boolean;
  query(statement: Statement): Promise<Row[]>;
  /** One round trip: BEGIN, the statements and COMMIT are sent without waiting for answers. */
  transaction(statements: readonly Statement[]): Promise<Row[][]>;
  script(text: string): Promise<void>;
  /** Breaks it off; what is under way rejects with `reason`. */
  destroy(reason: StillupError): void;
  /** Says goodbye; resolves when the socket is closed, after 1 s at most. */
  end(): Promise<void>;
}

export interface ConnectionOptions {
  /** False behind a pooler that gives each transaction another session. */
  readonly ownSession: boolean;
  /** Where the server itself gives a statement up: what the client no longer waits for must not go on holding locks. */
  readonly statementTimeoutMs: number;
  /** Aborts connecting, with a StillupError. */
  readonly signal: AbortSignal;
  onClose(connection: PostgresConnection): void;
}

/** @throws StillupError `database_unavailable`, with the `sqlState` of a server that refused the login. */
export async function openConnection(target: PostgresTarget, options: ConnectionOptions): Promise<PostgresConnection> {
  let socket: Socket | undefined;
  const abort = () => socket?.destroy();
  options.signal.addEventListener("abort", abort);
  try {
    socket = await openSocket(target, options.signal);
    const client = createClient(target, socket, options);
    await client.unsafe("select 1");
    return createConnection(client, socket, { place: placeOf(target), onClose: options.onClose });
  } catch (error) {
    socket?.destroy();
    throw options.signal.aborted ? options.signal.reason : loginFailed(error, placeOf(target));
  } finally {
    options.signal.removeEventListener("abort", abort);
  }
}

function createClient(target: PostgresTarget, socket: Socket, { ownSession, statementTimeoutMs }: ConnectionOptions) {
  let isTaken = false;
  const options = {
    host: target.host,
    port: target.port,
    user: target.user,
    password: target.password,
    database: target.database,
    max: 1,
    // It asks for a second socket when the first one closed: that is for the pool to decide.
    socket: () => {
      if (isTaken) throw closedAtOnce();
      isTaken = true;
      return socket;
    },
    connection: {
      application_name: "stillup",
      TimeZone: "UTC",
      DateStyle: "ISO",
      // A pooler refuses parameters that it does not know.
      ...(ownSession && { statement_timeout: statementTimeoutMs, idle_in_transaction_session_timeout: 10_000 }),
    },
    prepare: ownSession,
    types,
    fetch_types: false,
    connect_timeout: 0,
    max_lifetime: null,
    onnotice: () => {},
    no_subscribe: true,
  };
  return postgres(options);
}

/** Values go out as the text they are; the driver's own serializers encode JSON twice, for one. */
const types = Object.fromEntries(
  Object.entries(parsers).map(([oid, parse]) => [
    oid,
    { to: Number(oid), from: [Number(oid)], serialize: (text: string) => text, parse },
  ]),
);

function createConnection(
  client: Client,
  socket: Socket,
  { place, onClose }: { readonly place: string; onClose(connection: PostgresConnection): void },
): PostgresConnection {
  let giveUp: ((reason: StillupError) => void) | undefined;
  let broken: StillupError | undefined;
  socket.on("close", () => {
    broken ??= unavailable(place, "the connection broke");
    giveUp?.(broken);
    // Statements that the driver still holds back would otherwise wait for a connection that never comes.
    void client.end({ timeout: 0 });
    onClose(connection);
  });

  /** The driver does not settle everything when a socket dies, so the socket's end settles what is left. */
  const untilClosed = <T>(work: Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (broken !== undefined) return reject(broken);
      giveUp = reject;
      const done = (act: () => void) => {
        giveUp = undefined;
        act();
      };
      work.then(
        (value) => done(() => resolve(value)),
        (error) => done(() => reject(error)),
      );
    });

  const send = ({ text, values }: Statement): Pending =>
    client.unsafe(text, values as (string | null)[], { prepare: true, simple: false } as { prepare: true });

  const connection: PostgresConnection = {
    get isUsable() {
      return broken === undefined && socket.readable && socket.writable;
    },
    async query(statement) {
      try {
        return (await untilClosed(send(statement))).slice();
      } catch (error) {
        throw failed(error, place, statement.text);
      }
    },
    async transaction(statements) {
      const all = [{ text: BEGIN, values: [] }, ...statements, { text: "commit", values: [] }];
      const results = await untilClosed(Promise.allSettled(all.map((statement) => once(send(statement)))));
      for (const [index, result] of results.entries()) {
        if (result.status === "rejected") throw failed(result.reason, place, all[index]?.text ?? "");
      }
      return results.slice(1, -1).map((result) => (result.status === "fulfilled" ? result.value.slice() : []));
    },
    async script(text) {
      try {
        await untilClosed(client.unsafe(`set local statement_timeout = 0;\n${text}`).simple());
      } catch (error) {
        throw failed(error, place, text);
      }
    },
    destroy(reason) {
      broken ??= reason;
      socket.destroy();
    },
    async end() {
      const closed = new Promise<void>((resolve) => {
        if (socket.closed) resolve();
        else socket.once("close", () => resolve());
      });
      const timer = setTimeout(() => socket.destroy(), 1000);
      void client.end();
      await closed;
      clearTimeout(timer);
    },
  };
  return connection;
}

const BEGIN = "begin isolation level read committed";

/**
 * The driver sends a statement again when its prepared plan went stale. Within a list that would be after the COMMIT
 * which follows it down the line, alone and for good; so here the stale plan is the list's error.
 */
function once(query: Pending): Pending {
  const internals = query as unknown as { cancelled: unknown; reject(error: unknown): void };
  Object.defineProperty(query, "retried", {
    get: () => undefined,
    set: (error: unknown) => {
      internals.cancelled = true;
      internals.reject(error);
    },
  });
  return query;
}

function failed(error: unknown, place: string, text: string): StillupError {
  if (error instanceof StillupError) return error;
  if (error instanceof postgres.PostgresError) return refused(error, place, text);
  return unavailable(place, reasonOf(error), { cause: error });
}

function loginFailed(error: unknown, place: string): StillupError {
  const sqlState = error instanceof postgres.PostgresError ? { sqlState: (error as ServerError).code } : {};
  return unavailable(place, reasonOf(error), { cause: error, ...sqlState });
}

/** A refused `localhost` fails with an AggregateError, which has a code and no message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || String((error as { code?: unknown }).code);
}
