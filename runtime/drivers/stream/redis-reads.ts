import type { Redis } from "ioredis";
import { createMissed } from "./missed.ts";
import * as command from "./redis-commands.ts";
import { commandTimeoutMs, type RedisTarget } from "./redis-connection.ts";
import { firstCursor, type StreamGroup } from "./redis-entries.ts";
import type { Block } from "./redis-readers.ts";
import type { Consumer, EventStream, Message } from "./stream.ts";

const maxLossesARead = 10;

interface ReadsOptions {
  readonly target: RedisTarget;
  placeOf(who: Consumer): StreamGroup;
  count(kind: string): void;
  send<T>(kind: string, work: (redis: Redis) => Promise<T>): Promise<T>;
}

/** What a reader gets: what it missed, what is new, what others left. */
export function createReads({ target, placeOf, count, send }: ReadsOptions) {
  const missed = createMissed();

  const redeliver = (who: Consumer, ids: readonly string[]) =>
    send("redeliver", (redis) => command.claimOwn(redis, placeOf(who), ids));

  const readNew = async (who: Consumer, block: Block, options: { count: number; blockMs: number }) => {
    const until = performance.now() + options.blockMs;
    for (let losses = 0; losses < maxLossesARead; losses++) {
      const blockMs = Math.max(0, Math.ceil(until - performance.now()));
      count("read");
      const reply = await block((redis) => command.readNew(redis, placeOf(who), { ...options, blockMs }), blockMs);
      if (reply !== command.gone) return reply;
      await send("make_group", (redis) => command.makeGroup(redis, placeOf(who)));
    }
    throw target.failure(`keeps losing the group ${who.group} of ${who.stream}`);
  };

  /** What the reader was given without knowing, else new entries. */
  const readNext = async (who: Consumer, block: Block, options: { count: number; blockMs: number }) => {
    const found = await missed.find(who, {
      count: options.count,
      pendingFrom: (id) => send("pending", (redis) => command.pendingFrom(redis, placeOf(who), id)),
      redeliver: (ids) => redeliver(who, ids),
    });
    if (found.length > 0) return found;
    try {
      const messages = await readNew(who, block, options);
      missed.got(who, messages);
      return messages;
    } catch (error) {
      // A server that has not heard that the connection is gone may give it entries for as long as it blocks.
      missed.failed(who, options.blockMs + commandTimeoutMs);
      throw error;
    }
  };

  const claimStale: EventStream["claimStale"] = async (who, { minIdleMs, count }) => {
    const messages: Message[] = [];
    let lost = 0;
    let cursor = firstCursor;
    do {
      const options = { minIdleMs, cursor, count: count - messages.length };
      const part = await send("take_over", (redis) => command.claimIdle(redis, placeOf(who), options));
      messages.push(...part.messages);
      lost += part.lost;
      cursor = part.cursor;
    } while (cursor !== firstCursor && messages.length < count);
    missed.got(who, messages);
    return { messages, lost };
  };

  return { redeliver, readNext, claimStale };
}
