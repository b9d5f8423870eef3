/** A message to add to a stream. */
export interface Outgoing {
  readonly stream: string;
  readonly body: string;
}

/**
 * The only key of a body that stands for an entry without one, which somebody else added. Its value is the list of the
 * entry's fields: name, value, name, value.
 */
export const entryWithoutBody = "entryWithoutBody";

/** A message as a consumer gets it. */
export interface Message {
  readonly id: string;
  readonly body: string;
  /** How often the group was given it, this time included. */
  readonly attempts: number;
  /** When it was added, by the stream service's clock: milliseconds since 1970. */
  readonly timestamp: number;
}

/** What a handler may do with streams. */
interface Publisher {
  /**
   * Adds the messages in order, in one trip.
   * @throws StillupError `stream_unavailable`, or `stream_full` when there is no room. Some of them may be added then.
   */
  publish(entries: readonly Outgoing[]): Promise<void>;
  /**
   * Wakes every process that listens for one of `names`, in one trip. A wake-up may be lost: only speed may depend on
   * it.
   */
  wake(...names: readonly string[]): Promise<void>;
}

/** One consumer of one group. `consumer` identifies a worker process to the stream service. */
export interface Consumer {
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
}

export interface StreamState {
  /** Messages in the stream, given out or not. */
  readonly length: number;
  /** Given out and not acked. */
  readonly pending: number;
  /** Age of the oldest message that is not acked; 0 when there is none. */
  readonly oldestMs: number;
}

/**
 * The EventStream port: streams that a group of consumers reads, and wake-ups. A message is given to one consumer and
 * is pending until it is settled. That deletes it, so a stream has only one group. A group begins with the stream's
 * first message, and is made again when the service has lost it. No message is ever dropped: a stream in which 10,000
 * wait refuses more (`stream_full`), as soon as that is noticed. Every method throws StillupError `stream_unavailable`
 * when the service refuses, or does not answer in time. Then nobody knows whether it did what it was asked.
 */
export interface EventStream extends Publisher {
  /**
   * Gives this consumer new messages, at most `count`. Waits up to `blockMs` for the first. Resolves with [] when none
   * came, or as soon as `signal` aborts.
   */
  read(who: Consumer, options: { count: number; blockMs: number; signal: AbortSignal }): Promise<Message[]>;
  /** Gives this consumer its own pending messages once more, `attempts` counted up. Other ids are left out. */
  redeliver(who: Consumer, ids: readonly string[]): Promise<Message[]>;
  /**
   * Gives this consumer messages that any consumer of the group has left pending for `minIdleMs` or longer, at most
   * `count`. Messages that were deleted while pending are acked, and counted in `lost`.
   */
  claimStale(
    who: Consumer,
    options: { minIdleMs: number; count: number },
  ): Promise<{ messages: Message[]; lost: number }>;
  /** Acks and deletes `ack`, and adds `publish`. Nothing is acked unless all of `publish` is added. */
  settle(who: Consumer, done: { ack: readonly string[]; publish: readonly Outgoing[] }): Promise<void>;
  /**
   * Removes the group's other consumers that have asked for nothing for `minIdleMs` or longer and have nothing pending.
   * Resolves with how many. Call `claimStale` first, or what a dead consumer has pending keeps it.
   */
  removeIdleConsumers(who: Consumer, options: { minIdleMs: number }): Promise<number>;
  /** For metrics and health. A stream or a group that does not exist is empty. */
  state(stream: string, group: string): Promise<StreamState>;
  /**
   * Calls `wake` with each of `names` that is woken, and with all of them after a time in which wake-ups may have been
   * missed. Resolves once it listens, with the function that ends it.
   */
  onWake(names: readonly string[], wake: (name: string) => void): Promise<() => Promise<void>>;
  /** @throws StillupError `stream_unavailable` unless the service answers within 2 s. */
  ping(): Promise<void>;
  /** @throws as `ping`, and `stream_full` unless the service would accept a message. Adds none. */
  ready(): Promise<void>;
  /** Resolves when no connection is left open; at most 5 s. */
  close(): Promise<void>;
}
