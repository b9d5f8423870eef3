import type { Message } from "./stream.ts";

export interface MemoryEntry {
  readonly id: string;
  readonly body: string;
  readonly timestamp: number;
}

interface MemoryPending {
  readonly entry: MemoryEntry;
  readonly consumer: string;
  readonly deliveries: number;
  readonly deliveredAt: number;
}

/** A read that waits for a message. `resolve` ends its wait. */
export interface Waiter {
  readonly consumer: string;
  readonly count: number;
  readonly resolve: (messages: Message[]) => void;
}

/** One group of a stream in memory: who was given what, when and how often. `entries` are all of the stream, by id. */
export class MemoryGroup {
  readonly waiters = new Set<Waiter>();
  readonly #entries: ReadonlyMap<string, MemoryEntry>;
  readonly #now: () => number;
  readonly #pending = new Map<string, MemoryPending>();
  readonly #lastAskedAt = new Map<string, number>();
  #fresh: MemoryEntry[];

  constructor(entries: ReadonlyMap<string, MemoryEntry>, now: () => number) {
    this.#entries = entries;
    this.#now = now;
    this.#fresh = [...entries.values()];
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  add(entry: MemoryEntry): void {
    this.#fresh.push(entry);
  }

  /** Gives new messages to the reads that wait. */
  serve(): void {
    for (const waiter of this.waiters) {
      const messages = this.take(waiter.consumer, waiter.count);
      if (messages.length === 0) return;
      waiter.resolve(messages);
    }
  }

  /** The next messages that nobody was given yet. */
  take(consumer: string, count: number): Message[] {
    this.#lastAskedAt.set(consumer, this.#now());
    const taken: Message[] = [];
    while (taken.length < count) {
      const entry = this.#fresh.shift();
      if (entry === undefined) break;
      if (this.#entries.has(entry.id)) taken.push(this.#deliver(entry, consumer, 1));
    }
    return taken;
  }

  /** Those of `ids` that are pending for the consumer, once more. */
  redeliver(consumer: string, ids: readonly string[]): Message[] {
    this.#lastAskedAt.set(consumer, this.#now());
    return ids.flatMap((id) => {
      const pending = this.#pending.get(id);
      if (pending?.consumer !== consumer) return [];
      if (this.#dropDeleted(pending)) return [];
      return [this.#deliver(pending.entry, consumer, pending.deliveries + 1)];
    });
  }

  claimStale(consumer: string, options: { minIdleMs: number; count: number }): { messages: Message[]; lost: number } {
    this.#lastAskedAt.set(consumer, this.#now());
    const messages: Message[] = [];
    let lost = 0;
    for (const pending of this.#pending.values()) {
      if (messages.length === options.count) break;
      if (this.#dropDeleted(pending)) lost++;
      else if (this.#now() - pending.deliveredAt >= options.minIdleMs) {
        messages.push(this.#deliver(pending.entry, consumer, pending.deliveries + 1));
      }
    }
    return { messages, lost };
  }

  ack(id: string): void {
    this.#pending.delete(id);
  }

  /** Forgets consumers other than `but` that have nothing pending and have asked for nothing for `minIdleMs`. */
  removeIdle(but: string, minIdleMs: number): number {
    const busy = new Set([...this.#pending.values()].map(({ consumer }) => consumer));
    const idle = [...this.#lastAskedAt].filter(
      ([consumer, at]) => consumer !== but && !busy.has(consumer) && this.#now() - at >= minIdleMs,
    );
    for (const [consumer] of idle) this.#lastAskedAt.delete(consumer);
    return idle.length;
  }

  /** As after a data loss: nothing exists and nothing was given, but reads still wait. */
  clear(): void {
    this.#fresh = [];
    this.#pending.clear();
    this.#lastAskedAt.clear();
  }

  #deliver(entry: MemoryEntry, consumer: string, deliveries: number): Message {
    this.#pending.set(entry.id, { entry, consumer, deliveries, deliveredAt: this.#now() });
    return { id: entry.id, body: entry.body, attempts: deliveries, timestamp: entry.timestamp };
  }

  #dropDeleted({ entry }: MemoryPending): boolean {
    return !this.#entries.has(entry.id) && this.#pending.delete(entry.id);
  }
}
