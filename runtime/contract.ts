import type { Config } from "./config/config.ts";
import type { Http } from "./drivers/http/http.ts";
import type { Sql } from "./drivers/sql/sql.ts";
import type { EventStream, Message, Outgoing } from "./drivers/stream/stream.ts";
import type { Log } from "./log.ts";
import type { Memo } from "./memo.ts";
import type { Metrics } from "./metrics.ts";

/**
 * What a function is called with. A bundle contains no driver and no state: its host makes them. `Own` are the values of
 * the settings that the functions declare in domain/config.ts.
 */
export interface Env<Own = unknown> {
  readonly sql: Sql;
  readonly stream: EventStream;
  readonly http: Http;
  readonly log: Log;
  readonly config: Config & Own;
  readonly metrics: Metrics;
  /** What need not be asked anew for some seconds: readiness, counts. */
  readonly memo: Memo;
  /** What each worker of the build reads, also of those that run elsewhere. */
  readonly sources: readonly Source[];
  /**
   * What is known from earlier calls, for hosts where asking a service costs money. A driver that is free to ask reports
   * nothing, and its field stays false.
   */
  readonly reached?: {
    /** The last call reached the database. */
    readonly sql: boolean;
    /** The last call reached the stream service, and it has room. */
    readonly stream: boolean;
    /** The database refused a write within the last 30 s: it is full or read-only. */
    readonly writeRefused?: boolean;
  };
}

/**
 * The env of a function that exports these ports: without the others, so that it cannot call what it does not declare.
 * `satisfies ConsumeFunction<DomainConfig, typeof ports>` gives them to a worker.
 */
export type FunctionEnv<P extends Ports = NoPorts, Own = unknown> = Omit<Env<Own>, keyof Ports> &
  Pick<Env<Own>, keyof P & keyof Ports>;

/** Of a function that exports no `ports`. */
export type NoPorts = Record<never, never>;

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
export interface FetchFunction<Own = unknown, P extends Ports = NoPorts> {
  fetch(request: Request, env: FunctionEnv<P, Own>, ctx: Ctx): Promise<Response>;
}

export interface Batch {
  readonly source: string;
  readonly messages: readonly Message[];
}

/** A message that no further try can fix. `parseMessages` in settle.ts finds those that cannot be read. */
export interface HopelessMessage {
  readonly id: string;
  /** A sentence that says what is wrong with it. */
  readonly reason: string;
}

/** What became of a batch. Messages that it does not name are done. */
export interface Consumed {
  /**
   * These stay pending and come again, five tries in all. What only waits for a service is better thrown: a transient
   * error is retried for as long as it takes.
   */
  readonly retry?: readonly string[];
  /** These become dead letters: they are recorded by `deadLetter` and then done. */
  readonly deadLetters?: readonly HopelessMessage[];
  /** Added in the same trip as the acks. A stream service without room drops them, so nothing may rest on them alone. */
  readonly publish?: readonly Outgoing[];
}

/** Nothing: all messages are done. A throw retries all, each in a batch of its own. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing acks all; that is the contract.
export type ConsumeResult = void | Consumed;

/** A worker's default export. */
export interface ConsumeFunction<Own = unknown, P extends Ports = NoPorts> {
  consume(batch: Batch, env: FunctionEnv<P, Own>, ctx: Ctx): Promise<ConsumeResult>;
  /**
   * Records a message that no further try can fix: one that `consume` names in `deadLetters`, or that made it throw for
   * the fifth time. The message is acked afterwards. It may be called twice for one message. If it throws, the message
   * stays pending and comes again.
   */
  deadLetter(letter: NewDeadLetter, env: FunctionEnv<P, Own>): Promise<void>;
}

/** A dead letter that is to be recorded. */
export interface NewDeadLetter {
  readonly stream: string;
  readonly message: Message;
  /** At most 500 characters. */
  readonly reason: string;
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
export interface ScheduledFunction<Own = unknown, P extends Ports = NoPorts> {
  scheduled(tick: Tick, env: FunctionEnv<P, Own>, ctx: Ctx): Promise<ScheduledResult>;
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

/**
 * `env.stream.wake("a-schedule")` makes that schedule run now, in each process that runs it. Waking this name makes those
 * schedules run that sleep because there was nothing to do.
 */
export const SLEEPING_SCHEDULES = "sleeping-schedules";

/** What a schedule file exports as `schedule`. */
export interface Schedule {
  readonly everySeconds: number;
  /** The names of workers. Where each worker has a process, the schedule runs in the processes of these. */
  readonly runsWith: readonly string[];
}

/**
 * What a function file exports as `ports` if its function calls anything but the database and the streams. A function
 * host's artefact contains a driver only if one of its functions declares the port.
 */
export interface Ports {
  /**
   * Outgoing HTTP. `limited`: at most WORKER_CONCURRENCY calls of the process run at once, the others wait in a queue.
   * It is for calls that may hang, such as checks. `shared` is for all others: they never wait behind a hanging call.
   */
  readonly http?: "shared" | "limited";
}
