import type { Message } from "./stream.ts";
import type { Watch, WatchFound } from "./upstash-watch.ts";

interface UpstashReadOptions {
  readonly count: number;
  readonly blockMs: number;
  readonly signal: AbortSignal;
  readonly watch: Watch;
  /** Asks the service for at most `count` new messages. */
  readonly readNew: (count: number) => Promise<WatchFound>;
  /** Called with what the service gave out after the reader had gone. Must not throw. */
  readonly onLate: (messages: readonly Message[]) => Promise<void>;
}

/** Reads that wait for wake-ups, because no command blocks over REST. */
interface UpstashReads {
  /** Resolves with [] as soon as `signal` aborts or the reads are closed. */
  read(options: UpstashReadOptions): Promise<Message[]>;
  /** Ends all reads. Resolves when what they still got is handed back. */
  close(): Promise<void>;
}

export function createReads(): UpstashReads {
  const stops = new Set<AbortController>();
  const leftovers = new Set<Promise<void>>();

  return {
    async read({ signal, onLate, ...options }) {
      if (signal.aborted) return [];
      const stop = new AbortController();
      const abort = () => stop.abort();
      stops.add(stop);
      signal.addEventListener("abort", abort);
      const stopped = new Promise<undefined>((resolve) =>
        stop.signal.addEventListener("abort", () => resolve(undefined)),
      );
      const reading = readUntil(stop.signal, options);
      try {
        const messages = await Promise.race([reading, stopped]);
        if (messages !== undefined) return messages;
      } finally {
        stops.delete(stop);
        signal.removeEventListener("abort", abort);
      }
      const leftover = reading.then(onLate, () => {}).finally(() => leftovers.delete(leftover));
      leftovers.add(leftover);
      return [];
    },
    async close() {
      for (const stop of stops) stop.abort();
      // A stopped read adds to `leftovers` some turns of the event loop later.
      await new Promise(setImmediate);
      await Promise.all(leftovers);
    },
  };
}

async function readUntil(
  stop: AbortSignal,
  { count, blockMs, watch, readNew }: Omit<UpstashReadOptions, "signal" | "onLate">,
): Promise<Message[]> {
  const until = performance.now() + blockMs;
  while (!stop.aborted) {
    if (blockMs <= 0 || watch.untilReadMs() === 0) {
      const messages = await readOnce(watch, readNew, count);
      if (messages.length > 0 || blockMs <= 0) return messages;
    }
    const leftMs = until - performance.now();
    if (leftMs <= 0) return [];
    const untilReadMs = watch.untilReadMs();
    if (untilReadMs > 0) await watch.change(Math.min(leftMs, untilReadMs), stop);
  }
  return [];
}

async function readOnce(watch: Watch, readNew: UpstashReadOptions["readNew"], count: number): Promise<Message[]> {
  // After a failure there may be more.
  let found: WatchFound = { messages: [], isMore: true };
  watch.beginRead();
  try {
    found = await readNew(count);
    return found.messages;
  } finally {
    watch.endRead(found);
  }
}
