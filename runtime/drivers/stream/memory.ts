import { full } from "./capacity.ts";
import { type MemoryEntry, MemoryGroup, type Waiter } from "./memory-group.ts";
import type { EventStream, Message, Outgoing } from "./stream.ts";

interface MemoryStreamOptions {
  /** The clock for timestamps and idle times: milliseconds since 1970. */
  readonly now?: () => number;
  /** Messages in one stream, at most; 10,000 when left out. */
  readonly maxLength?: number;
}

export interface MemoryStream extends EventStream {
  /** Does what a restart does to a service that keeps nothing. */
  loseEverything(): void;
}

interface Stream {
  /** By id, oldest first. */
  readonly entries: Map<string, MemoryEntry>;
  readonly groups: Map<string, MemoryGroup>;
}

/** The EventStream port within one process, for `npm start` and tests. Nothing survives the process. */
export function createMemoryStream({ now = Date.now, maxLength = 10_000 }: MemoryStreamOptions = {}): MemoryStream {
  const streams = new Map<string, Stream>();
  const wakeUps = new Map<string, Set<(name: string) => void>>();
  let added = 0;

  const streamOf = (name: string): Stream => {
    const stream = streams.get(name) ?? { entries: new Map(), groups: new Map() };
    streams.set(name, stream);
    return stream;
  };

  const groupOf = (stream: string, name: string): MemoryGroup => {
    const { entries, groups } = streamOf(stream);
    const group = groups.get(name) ?? new MemoryGroup(entries, now);
    groups.set(name, group);
    return group;
  };

  /** Comes before any change, so that everything is done or nothing. */
  const checkCapacity = (entries: readonly Outgoing[], lengths: Map<string, number>) => {
    for (const { stream } of entries) {
      const length = (lengths.get(stream) ?? streamOf(stream).entries.size) + 1;
      lengths.set(stream, length);
      if (length <= maxLength) continue;
      throw full(stream, maxLength);
    }
  };

  const add = (entries: readonly Outgoing[]) => {
    const groups = new Set<MemoryGroup>();
    for (const { stream, body } of entries) {
      const timestamp = now();
      const entry = { id: `${timestamp}-${added++}`, body, timestamp };
      streamOf(stream).entries.set(entry.id, entry);
      for (const group of streamOf(stream).groups.values()) {
        group.add(entry);
        groups.add(group);
      }
    }
    for (const group of groups) group.serve();
  };

  return {
    async publish(entries) {
      checkCapacity(entries, new Map());
      add(entries);
    },

    async settle({ stream, group }, { ack, publish }) {
      const { entries } = streamOf(stream);
      const freed = new Set(ack.filter((id) => entries.has(id))).size;
      checkCapacity(publish, new Map([[stream, entries.size - freed]]));
      for (const id of ack) {
        groupOf(stream, group).ack(id);
        entries.delete(id);
      }
      add(publish);
    },

    async read({ stream, group, consumer }, { count, blockMs, signal }) {
      if (signal.aborted) return [];
      const messages = groupOf(stream, group).take(consumer, count);
      if (messages.length > 0 || blockMs <= 0) return messages;
      return wait(groupOf(stream, group).waiters, { consumer, count, blockMs, signal });
    },

    redeliver: async ({ stream, group, consumer }, ids) => groupOf(stream, group).redeliver(consumer, ids),

    claimStale: async ({ stream, group, consumer }, options) => groupOf(stream, group).claimStale(consumer, options),

    removeIdleConsumers: async ({ stream, group, consumer }, { minIdleMs }) =>
      groupOf(stream, group).removeIdle(consumer, minIdleMs),

    async state(stream, group) {
      const { entries } = streamOf(stream);
      const [oldest] = entries.values();
      return {
        length: entries.size,
        pending: groupOf(stream, group).pendingCount,
        oldestMs: oldest === undefined ? 0 : Math.max(0, now() - oldest.timestamp),
      };
    },

    async wake(...names) {
      // Later, so that a listener that throws does not fail the caller.
      setImmediate(() => {
        for (const name of names) for (const wake of wakeUps.get(name) ?? []) wake(name);
      });
    },

    async onWake(names, wake) {
      const own = (name: string) => wake(name);
      for (const name of names) wakeUps.set(name, (wakeUps.get(name) ?? new Set()).add(own));
      return async () => {
        for (const name of names) wakeUps.get(name)?.delete(own);
      };
    },

    async ping() {},

    async ready() {},

    async close() {
      wakeUps.clear();
      const groups = [...streams.values()].flatMap((stream) => [...stream.groups.values()]);
      for (const waiter of groups.flatMap((group) => [...group.waiters])) waiter.resolve([]);
    },

    loseEverything() {
      for (const { entries, groups } of streams.values()) {
        entries.clear();
        for (const group of groups.values()) group.clear();
      }
    },
  };
}

/** Waits until the group serves it, the time is over or the signal aborts. */
function wait(
  waiters: Set<Waiter>,
  { consumer, count, blockMs, signal }: { consumer: string; count: number; blockMs: number; signal: AbortSignal },
): Promise<Message[]> {
  return new Promise((resolveIt) => {
    const waiter: Waiter = {
      consumer,
      count,
      resolve(messages) {
        waiters.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        resolveIt(messages);
      },
    };
    const onAbort = () => waiter.resolve([]);
    const timer = setTimeout(onAbort, blockMs);
    signal.addEventListener("abort", onAbort);
    waiters.add(waiter);
  });
}
