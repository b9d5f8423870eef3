import type { Consumer, Message } from "./stream.ts";

/** How an adapter asks for a reader's own pending messages. */
interface MissedQuery {
  /** How many messages are wanted, at most. */
  readonly count: number;
  /** The ids of the reader's pending messages from this id on, in order. */
  pendingFrom(id: string): Promise<readonly string[]>;
  redeliver(ids: readonly string[]): Promise<readonly Message[]>;
}

/**
 * Finds messages whose reply was lost. The service keeps them pending for a reader that does not know of them, so they
 * would wait until their lease is over.
 */
interface Missed {
  /** The reader has got these messages, in whatever way. */
  got(who: Consumer, messages: readonly Message[]): void;
  /** A read has failed. The service may not know that, and may give the reader messages for another `openMs`. */
  failed(who: Consumer, openMs: number): void;
  /** The messages that the reader missed, at most `count`. Asks the service only after a failure. */
  find(who: Consumer, asking: MissedQuery): Promise<readonly Message[]>;
}

interface MissedReader {
  /** New messages come in the order of their ids, so a missed one has a greater id. */
  newest: string;
  failure?: { readonly newest: string; readonly known: Set<string>; overAt: number };
}

/** `now` is monotonic: milliseconds. */
export function createMissed(now: () => number = () => performance.now()): Missed {
  const readers = new Map<string, MissedReader>();
  const readerOf = ({ stream, group, consumer }: Consumer): MissedReader => {
    const key = JSON.stringify([stream, group, consumer]);
    const reader = readers.get(key) ?? { newest: "0-0" };
    readers.set(key, reader);
    return reader;
  };
  const got: Missed["got"] = (who, messages) => {
    const reader = readerOf(who);
    for (const { id } of messages) {
      if (isAfter(id, reader.newest)) reader.newest = id;
      reader.failure?.known.add(id);
    }
  };

  return {
    got,
    failed(who, openMs) {
      const reader = readerOf(who);
      reader.failure ??= { newest: reader.newest, known: new Set([reader.newest]), overAt: 0 };
      reader.failure.overAt = now() + openMs;
    },
    async find(who, { count, pendingFrom, redeliver }) {
      const reader = readerOf(who);
      const { failure } = reader;
      if (failure === undefined) return [];
      const isOver = now() >= failure.overAt;
      const missed = (await pendingFrom(failure.newest)).filter((id) => !failure.known.has(id));
      const messages = missed.length === 0 ? [] : await redeliver(missed.slice(0, count));
      got(who, messages);
      if (isOver && missed.length <= count) delete reader.failure;
      return messages;
    },
  };
}

function isAfter(id: string, other: string): boolean {
  const [ms = 0, sequence = 0] = id.split("-").map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && sequence > otherSequence);
}
