/** An entry to add to a stream. */
export interface Outgoing {
  readonly stream: string;
  readonly body: string;
}

/** The one key of a body that stands for an entry without one: with it come the entry's fields, names and values by turns. */
export const entryWithoutBody = "entryWithoutBody";

/** An entry as a consumer gets it. */
export interface Message {
  readonly id: string;
  readonly body: string;
  /** 1 on a first read; the group's delivery count when it comes again. */
  readonly attempts: number;
  /** When the entry was added, by the stream service's clock: milliseconds since 1970. */
  readonly timestamp: number;
}

/** What handlers may do with streams: `env.stream`. */
interface Publisher {
  /**
   * Adds the entries in order, in one trip. Throws StillupError `stream_unavailable`, or `stream_full` where there is no
   * room; then any of them may be added.
   */
  publish(entries: readonly Outgoing[]): Promise<void>;
  /** Wakes every process that listens for one of `names`, in one trip. A wake-up may be lost: only speed may rest on it. */
  wake(...names: readonly string[]): Promise<void>;
}

/** One consumer of one group: what identifies a worker process to the stream service. */
export interface Consumer {
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
}

export interface StreamState {
  /** Entries in the stream, delivered or not. */
  readonly length: number;
  /** Delivered and not acked. */
  readonly pending: number;
  /** Age of the oldest entry that is not acked; 0 when there is none. */
  readonly oldestMs: number;
}

/**
 * The EventStream port. Groups are made at the stream's beginning when first used, and made again when the service has
 * lost them. Nothing here ever trims what is not acked; entries for a stream in which 10,000 wait are refused instead.
 */
export interface EventStream extends Publisher {
  /**
   * New entries for this consumer, at most `count`, waiting up to `blockMs` for the first. Resolves with [] when none
   * came or `signal` aborted.
   */
  read(who: Consumer, options: { count: number; blockMs: number; signal: AbortSignal }): Promise<Message[]>;
  /** The consumer's own pending entries of these ids once more, `attempts` counted up. Ids no longer its own are left out. */
  redeliver(who: Consumer, ids: readonly string[]): Promise<Message[]>;
  /**
   * Takes over entries that any consumer of the group left pending for `minIdleMs` or longer, at most `count`. Entries
   * that were deleted while pending are acked and counted in `lost`.
   */
  claimStale(
    who: Consumer,
    options: { minIdleMs: number; count: number },
  ): Promise<{ messages: Message[]; lost: number }>;
  /** Acks and deletes `ack`, and adds `publish`, in one trip. Acking an id twice does nothing. */
  settle(who: Consumer, done: { ack: readonly string[]; publish: readonly Outgoing[] }): Promise<void>;
  /** Removes consumers idle for `minIdleMs` or longer that hold nothing; resolves with how many. Take over first. */
  removeIdleConsumers(who: Consumer, options: { minIdleMs: number }): Promise<number>;
  state(stream: string, group: string): Promise<StreamState>;
  /**
   * Calls `wake` whenever one of `names` is woken, and for each of them when it may have been missed: when the service is
   * heard again. Resolves with the function that ends it.
   */
  onWake(names: readonly string[], wake: (name: string) => void): Promise<() => Promise<void>>;
  /** Throws StillupError `stream_unavailable` unless the service answers within 2 s. */
  ping(): Promise<void>;
  /** The same, and `stream_full` unless it would take an entry. Adds none. */
  ready(): Promise<void>;
  /** Resolves when no connection is left open; at most 5 s. */
  close(): Promise<void>;
}
