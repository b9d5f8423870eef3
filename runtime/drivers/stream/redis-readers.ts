import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { commandTimeoutMs, openConnection, type RedisConnection, type RedisTarget } from "./redis-connection.ts";

const closeTimeoutMs = 3_000;
const unblockPauseMs = 50;

/** Runs a command that may block for `blockMs`, on a connection that nothing else uses meanwhile. */
export type Block = <T>(work: (redis: Redis) => Promise<T>, blockMs: number) => Promise<T>;

interface RedisReadOptions<T> {
  readonly signal: AbortSignal;
  /** Called with what the server gave out after the reader had gone. Must not throw. */
  readonly onLate: (value: T) => Promise<void>;
}

/** Blocking reads side by side. Each has a connection of its own while it lasts; the next read uses it again. */
interface RedisReaders {
  /** Resolves with what `reading` does, or with undefined as soon as the signal aborts or `close` is called. */
  read<T>(reading: (block: Block) => Promise<T>, options: RedisReadOptions<T>): Promise<T | undefined>;
  /** Ends all reads, waits for what they still get, and closes their connections; at most 4 s. */
  close(): Promise<void>;
}

interface RedisReader {
  readonly connection: RedisConnection;
  /** The server's number for the connection; undefined while there is none. */
  clientId: number | undefined;
}

/** A blocked connection is asked over `commands` to end. */
export function createReaders(target: RedisTarget, commands: RedisConnection): RedisReaders {
  const all: RedisReader[] = [];
  const free: RedisReader[] = [];
  const stops = new Set<() => void>();
  const leftovers = new Set<Promise<void>>();
  let closed = false;

  return {
    async read(reading, { signal, onLate }) {
      if (closed) throw target.failure("is closed");
      if (signal.aborted) return undefined;
      const reader = free.pop() ?? openReader(target);
      if (!all.includes(reader)) all.push(reader);
      const stop = stopOn(signal, stops);
      const value = reading((work, blockMs) => block(reader, stop, { work, blockMs })).finally(() => free.push(reader));
      const first = await Promise.race([value, stop.asked]).finally(stop.forget);
      if (first !== undefined) return first;

      const leftover = unblock(reader, { commands, value }).then(() => value.then(onLate, () => {}));
      leftovers.add(leftover);
      void leftover.finally(() => leftovers.delete(leftover));
      return undefined;
    },
    async close() {
      closed = true;
      for (const ask of stops) ask();
      // A stopped read adds to `leftovers` in the next turn of the event loop.
      await delay(0);
      await Promise.race([Promise.all(leftovers), delay(closeTimeoutMs, undefined, { ref: false })]);
      await Promise.all(all.map((reader) => reader.connection.close()));
    },
  };
}

function openReader(target: RedisTarget): RedisReader {
  const reader: RedisReader = { connection: openConnection(target), clientId: undefined };
  reader.connection.redis.on("close", () => {
    reader.clientId = undefined;
  });
  return reader;
}

interface ReaderStop {
  readonly asked: Promise<undefined>;
  isAsked(): boolean;
  forget(): void;
}

function stopOn(signal: AbortSignal, stops: Set<() => void>): ReaderStop {
  let isAsked = false;
  let resolve: (nothing: undefined) => void;
  const asked = new Promise<undefined>((resolveIt) => {
    resolve = resolveIt;
  });
  const ask = () => {
    isAsked = true;
    resolve(undefined);
  };
  signal.addEventListener("abort", ask);
  stops.add(ask);
  const forget = () => {
    signal.removeEventListener("abort", ask);
    stops.delete(ask);
  };
  return { asked, isAsked: () => isAsked, forget };
}

async function block<T>(
  reader: RedisReader,
  stop: ReaderStop,
  { work, blockMs }: { work: (redis: Redis) => Promise<T>; blockMs: number },
): Promise<T> {
  // Asked first, because a blocked connection cannot answer it.
  reader.clientId ??= await reader.connection.run((redis) => redis.client("ID"));
  if (stop.isAsked()) throw new Error("the reader has gone");
  return reader.connection.run(work, blockMs + commandTimeoutMs);
}

/** Makes the server answer a blocked read now, so that it gives nothing more to a reader that has gone. */
async function unblock(
  reader: RedisReader,
  { commands, value }: { commands: RedisConnection; value: Promise<unknown> },
): Promise<void> {
  const over = value.then(
    () => true,
    () => true,
  );
  // Repeated until the read is over: its command may not have arrived when the server is asked.
  for (let id = reader.clientId; id !== undefined; id = reader.clientId) {
    const clientId = id;
    const answer = await commands.run((redis) => redis.client("UNBLOCK", clientId)).catch(() => undefined);
    if (answer === undefined) break;
    if (await Promise.race([over, delay(unblockPauseMs, false)])) return;
  }
  reader.connection.drop();
}
