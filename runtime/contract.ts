import type { Config } from "./config.ts";
import type { Http } from "./http/http.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Sql } from "./sql/sql.ts";
import type { EventStream, Message, Outgoing } from "./stream/stream.ts";

/** The bindings a function is called with, made by whoever runs the bundle. A bundle holds no driver and no state. */
export interface Env {
  readonly sql: Sql;
  readonly stream: EventStream;
  readonly http: Http;
  readonly log: Log;
  readonly config: Config;
  readonly metrics: Metrics;
}

/** One call's own circumstances. */
export interface Ctx {
  readonly requestId: string;
  /** When the call must be over, by this process' clock: milliseconds since 1970. */
  readonly deadline: number;
  /** Aborts when the caller is gone or the process is to stop. */
  readonly signal: AbortSignal;
  /** Keeps the process until `work` has ended, without holding up the answer. `work` must not throw. */
  waitUntil(work: Promise<unknown>): void;
}

/** A route's default export. */
export interface FetchFunction {
  fetch(request: Request, env: Env, ctx: Ctx): Promise<Response>;
}

export interface Batch {
  readonly source: string;
  readonly messages: readonly Message[];
}

/**
 * What a consumer says of its batch. Nothing said: all are done. Ids in `retry` stay pending and come again. What is in
 * `publish` is added in the same trip as the acks. A throw retries all.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing acks all; that is the contract.
export type ConsumeResult = void | { readonly retry?: readonly string[]; readonly publish?: readonly Outgoing[] };

/** A worker's default export. */
export interface ConsumeFunction {
  consume(batch: Batch, env: Env, ctx: Ctx): Promise<ConsumeResult>;
}

export interface Tick {
  readonly id: string;
  /** Milliseconds since 1970. Ticks may come late, twice or never. */
  readonly scheduledTime: number;
}

/**
 * What a schedule says: entries to add, and how long until it wants its next run (milliseconds; `everySeconds` when left
 * out, and never later than a host's own clock allows).
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a schedule may have nothing to say.
export type ScheduledResult = void | { readonly publish?: readonly Outgoing[]; readonly nextInMs?: number };

/** A schedule's default export. */
export interface ScheduledFunction {
  scheduled(tick: Tick, env: Env, ctx: Ctx): Promise<ScheduledResult>;
}

/** What a worker file exports as `source`. */
export interface Source {
  readonly stream: string;
  readonly group: string;
  /** Entries given to one call, at most. */
  readonly batchSize: number;
  /** Calls side by side in one process, at most. */
  readonly parallel: number;
}

/** What a schedule file exports as `schedule`. */
export interface Schedule {
  readonly everySeconds: number;
  /** The workers in whose process it runs where there are processes. */
  readonly runsIn: readonly ("worker-monitoring" | "worker-status-change" | "worker-notification")[];
}
