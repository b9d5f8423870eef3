import { setTimeout as sleep } from "node:timers/promises";
import { StillupError } from "../errors.ts";
import { PostgresConnection } from "./postgres-connection.ts";
import { type PostgresTarget, placeOf } from "./postgres-url.ts";
import { unavailable } from "./sql-error.ts";

export interface PoolOptions {
  readonly target: PostgresTarget;
  readonly maxConnections: number;
  readonly ownSession: boolean;
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** Somebody who wants a connection. */
interface Waiter {
  take(connection: PostgresConnection): void;
  fail(error: unknown): void;
}

const MAX_WAITING = 1000;
/** The last second is for the goodbyes. */
const CLOSE_TIMEOUT_MS = 4000;
/** Failures that pass once a server, or its proxy or its name, is there. */
const PASSING = /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|57P0[1-3]|53300)$/;

/**
 * Connections, each for one user at a time, so that a slow statement holds up no other and breaking one off harms no
 * other. When no connection can be made, all who wait are told, unless connections that are open still serve them.
 */
export class PostgresPool {
  readonly #options: PoolOptions;
  readonly #place: string;
  readonly #open = new Set<PostgresConnection>();
  readonly #idle: { readonly connection: PostgresConnection; readonly timer: NodeJS.Timeout }[] = [];
  readonly #waiting = new Set<Waiter>();
  readonly #closing = new AbortController();
  #connecting = 0;
  #closed: Promise<void> | undefined;
  #onEmpty = () => {};

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#place = placeOf(options.target);
  }

  /**
   * Gives `work` a connection for itself. Nothing is done twice: once `work` has begun, its failure is the caller's.
   * @throws StillupError `database_unavailable` when `timeoutMs` pass; the connection is then broken off.
   */
  use<T>(timeoutMs: number, work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let taken: PostgresConnection | undefined;
      const finish = (act: () => void) => {
        clearTimeout(timer);
        if (taken !== undefined) this.#release(taken);
        act();
      };
      const waiter: Waiter = {
        take: (connection) => {
          taken = connection;
          work(connection).then(
            (value) => finish(() => resolve(value)),
            (error) => finish(() => reject(error)),
          );
        },
        fail: (error) => finish(() => reject(error)),
      };
      const timer = setTimeout(() => {
        const late = unavailable(this.#place, `no answer within ${timeoutMs / 1000} s`);
        this.#waiting.delete(waiter);
        if (taken === undefined) reject(late);
        else taken.destroy(late);
      }, timeoutMs);
      this.#serve(waiter);
    });
  }

  /** Refuses who waits, lets who works finish; resolves when no connection is open, after 5 s at most. */
  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  async #drain(): Promise<void> {
    const reason = unavailable(this.#place, "the connections to it are being closed");
    this.#closing.abort(reason);
    this.#failWaiting(reason);
    for (const { connection } of [...this.#idle]) this.#retire(connection);
    if (this.#open.size + this.#connecting === 0) return;
    const timer = setTimeout(() => {
      for (const connection of this.#open) connection.destroy(reason);
    }, CLOSE_TIMEOUT_MS);
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    clearTimeout(timer);
  }

  #serve(waiter: Waiter): void {
    const connection = this.#takeIdle();
    if (this.#closing.signal.aborted) {
      waiter.fail(this.#closing.signal.reason);
    } else if (connection !== undefined) {
      waiter.take(connection);
    } else if (this.#waiting.size >= MAX_WAITING) {
      waiter.fail(unavailable(this.#place, `${MAX_WAITING} statements wait already`));
    } else {
      this.#waiting.add(waiter);
      this.#growIfWanted();
    }
  }

  /** The one used last, so that those not needed grow old and are closed. */
  #takeIdle(): PostgresConnection | undefined {
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      clearTimeout(last.timer);
      if (last.connection.isUsable) return last.connection;
    }
    return undefined;
  }

  #release(connection: PostgresConnection): void {
    if (!connection.isUsable) return;
    const [waiter] = this.#waiting;
    if (waiter !== undefined) {
      this.#waiting.delete(waiter);
      waiter.take(connection);
    } else if (this.#closing.signal.aborted) {
      void connection.end();
    } else {
      const timer = setTimeout(() => this.#retire(connection), this.#options.idleTimeoutMs);
      this.#idle.push({ connection, timer });
    }
  }

  #retire(connection: PostgresConnection): void {
    const index = this.#idle.findIndex((unused) => unused.connection === connection);
    if (index < 0) return;
    clearTimeout(this.#idle[index]?.timer);
    this.#idle.splice(index, 1);
    void connection.end();
  }

  #growIfWanted(): void {
    const hasRoom = this.#open.size + this.#connecting < this.#options.maxConnections;
    if (hasRoom && this.#waiting.size > this.#connecting) void this.#grow();
  }

  async #grow(): Promise<void> {
    this.#connecting += 1;
    try {
      const connection = await this.#connect();
      this.#open.add(connection);
      this.#release(connection);
    } catch (error) {
      if (this.#open.size === 0) this.#failWaiting(error);
    } finally {
      this.#connecting -= 1;
      this.#afterChange();
    }
  }

  /** Goes on trying for as long as somebody waits and connecting may take. */
  async #connect(): Promise<PostgresConnection> {
    const { target, connectTimeoutMs } = this.#options;
    const late = unavailable(this.#place, `it did not answer within ${connectTimeoutMs / 1000} s`);
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(late), connectTimeoutMs);
    const onClosing = () => abort.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener("abort", onClosing);
    const onClose = (connection: PostgresConnection) => this.#forget(connection);
    try {
      for (;;) {
        try {
          return await PostgresConnection.open(target, { ...this.#options, signal: abort.signal, onClose });
        } catch (error) {
          if (this.#waiting.size === 0 || !mayPass(error)) throw error;
          // When time runs out meanwhile, what was wrong says more than that time ran out.
          await sleep(100 + Math.random() * 200, undefined, { signal: abort.signal }).catch(() =>
            Promise.reject(error),
          );
        }
      }
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener("abort", onClosing);
    }
  }

  #forget(connection: PostgresConnection): void {
    this.#open.delete(connection);
    this.#retire(connection);
    this.#afterChange();
  }

  #afterChange(): void {
    this.#growIfWanted();
    if (this.#open.size + this.#connecting === 0) this.#onEmpty();
  }

  #failWaiting(error: unknown): void {
    for (const waiter of this.#waiting) waiter.fail(error);
    this.#waiting.clear();
  }
}

function mayPass(error: unknown): boolean {
  if (!(error instanceof StillupError)) return false;
  const cause = error.cause as { readonly code?: unknown } | undefined;
  return PASSING.test(error.sqlState ?? String(cause?.code));
}
