import type { Socket } from "node:net";
import postgres from "postgres";
import { StillupError } from "../errors.ts";
import { openSocket, peerClosed } from "./postgres-socket.ts";
import { type PostgresTarget, placeOf } from "./postgres-url.ts";
import type { Row, Statement } from "./query.ts";
import { refused, type ServerError, unavailable } from "./sql-error.ts";
import { parsers } from "./values.ts";

type Client = postgres.Sql;
type Pending = postgres.PendingQuery<postgres.Row[]>;

export interface ConnectionOptions {
  /** False behind a pooler that gives each transaction another session. */
  readonly ownSession: boolean;
  /** Where the server itself gives a statement up: what the client no longer waits for must not go on holding locks. */
  readonly statementTimeoutMs: number;
  /** Aborts connecting, with a StillupError. */
  readonly signal: AbortSignal;
  /** Called when its socket has closed, for whatever reason. */
  onClose(connection: PostgresConnection): void;
}

/** One session, for one user at a time. What it throws are StillupErrors. */
export class PostgresConnection {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #place: string;
  #giveUp: ((reason: StillupError) => void) | undefined;
  #broken: StillupError | undefined;

  /** @throws StillupError `database_unavailable`, with the `sqlState` of a server that refused the login. */
  static async open(target: PostgresTarget, options: ConnectionOptions): Promise<PostgresConnection> {
    const { signal } = options;
    let socket: Socket | undefined;
    const abort = () => socket?.destroy();
    try {
      socket = await openSocket(target, signal);
      signal.addEventListener("abort", abort);
      const connection = new PostgresConnection(target, socket, options);
      await connection.#untilClosed(connection.#client.unsafe("select 1"));
      return connection;
    } catch (error) {
      socket?.destroy();
      throw signal.aborted ? signal.reason : loginFailed(error, placeOf(target));
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  private constructor(target: PostgresTarget, socket: Socket, options: ConnectionOptions) {
    this.#client = createClient(target, socket, options);
    this.#socket = socket;
    this.#place = placeOf(target);
    socket.on("close", () => {
      this.#broken ??= unavailable(this.#place, "it closed the connection", { cause: peerClosed() });
      this.#giveUp?.(this.#broken);
      // Statements that the driver still holds back would otherwise wait for a connection that never comes.
      void this.#client.end({ timeout: 0 });
      options.onClose(this);
    });
  }

  /** False as soon as its socket has failed or is closing. */
  get isUsable(): boolean {
    return this.#broken === undefined && this.#socket.readable && this.#socket.writable;
  }

  async query(statement: Statement): Promise<Row[]> {
    try {
      return (await this.#untilClosed(this.#send(statement))).slice();
    } catch (error) {
      throw failed(error, this.#place, statement.text);
    }
  }

  /** One round trip: BEGIN, the statements and COMMIT are sent without waiting for answers. */
  async transaction(statements: readonly Statement[]): Promise<Row[][]> {
    const all = [{ text: BEGIN, values: [] }, ...statements, { text: "commit", values: [] }];
    const results = await this.#untilClosed(Promise.allSettled(all.map((each) => once(this.#send(each)))));
    for (const [index, result] of results.entries()) {
      if (result.status === "rejected") throw failed(result.reason, this.#place, all[index]?.text ?? "");
    }
    return results.slice(1, -1).map((result) => (result.status === "fulfilled" ? result.value.slice() : []));
  }

  async script(text: string): Promise<void> {
    try {
      await this.#untilClosed(this.#client.unsafe(`set local statement_timeout = 0;\n${text}`).simple());
    } catch (error) {
      throw failed(error, this.#place, "a script");
    }
  }

  /** Breaks it off; what is under way rejects with `reason`. */
  destroy(reason: StillupError): void {
    this.#broken ??= reason;
    this.#socket.destroy();
  }

  /** Says goodbye; resolves when the socket is closed, after 1 s at most. */
  async end(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = new Promise<void>((resolve) => {
      this.#socket.once("close", () => resolve());
    });
    const timer = setTimeout(() => this.#socket.destroy(), GOODBYE_MS);
    void this.#client.end();
    await closed;
    clearTimeout(timer);
  }

  #send({ text, values }: Statement): Pending {
    // `simple` is left out of the driver's types; without it a statement without values would go unprepared.
    const options = { prepare: true, simple: false };
    return this.#client.unsafe(text, [...values], options);
  }

  /** The driver does not settle everything when a socket dies, so the socket's end settles what is left. */
  #untilClosed<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#broken !== undefined) return reject(this.#broken);
      this.#giveUp = reject;
      const done = (act: () => void) => {
        this.#giveUp = undefined;
        act();
      };
      work.then(
        (value) => done(() => resolve(value)),
        (error) => done(() => reject(error)),
      );
    });
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
      if (isTaken) throw peerClosed();
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

const GOODBYE_MS = 1000;
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
  if (error instanceof StillupError) return error;
  const sqlState = error instanceof postgres.PostgresError ? { sqlState: (error as ServerError).code } : {};
  return unavailable(place, reasonOf(error), { cause: error, ...sqlState });
}

/** A refused `localhost` fails with an AggregateError, which has a code and no message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || String((error as { code?: unknown }).code);
}
