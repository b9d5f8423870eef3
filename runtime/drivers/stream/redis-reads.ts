import type { Redis } from "ioredis";
import { createMissed } from "./missed.ts";
import * as command from "./redis-commands.ts";
import { commandTimeoutMs, type RedisTarget } from "./redis-connection.ts";
import { firstCursor, type KeyedConsumer } from "./redis-entries.ts";
import type { Block } from "./redis-readers.ts";
import type { Consumer, EventStream, Message } from "./stream.ts";

const maxLossesPerRead = 10;

interface ReadsOptions {
  readonly target: RedisTarget;
  keyed(who: Consumer): KeyedConsumer;
  count(kind: string): void;
  send<T>(kind: string, work: (redis: Redis) => Promise<T>): Promise<T>;
}

/** The ways in which a consumer gets messages. */
export function createReads({ target, keyed, count, send }: ReadsOptions) {
  const missed = createMissed();

  const redeliver = (who: Consumer, ids: readonly string[]) =>
    send("redeliver", (redis) => command.claimOwn(redis, keyed(who), ids));

  const readNew = async (who: Consumer, block: Block, options: { count: number; blockMs: number }) => {
    const until = performance.now() + options.blockMs;
    for (let losses = 0; losses < maxLossesPerRead; losses++) {
      const blockMs = Math.max(0, Math.ceil(until - performance.now()));
      count("read");
      const reply = await block((redis) => command.readNew(redis, keyed(who), { ...options, blockMs }), blockMs);
      if (reply !== command.gone) return reply;
      await send("make_group", (redis) => command.makeGroup(redis, keyed(who)));
    }
    throw target.failure(`keeps losing the group ${who.group} of ${who.stream}`);
  };

  /** Messages that the reader missed, or else new ones. */
  const readNext = async (who: Consumer, block: Block, options: { count: number; blockMs: number }) => {
    const found = await missed.find(who, {
      count: options.count,
      pendingFrom: (id) => send("pending", (redis) => command.pendingFrom(redis, keyed(who), id)),
      redeliver: (ids) => redeliver(who, ids),
    });
    if (found.length > 0) return found;
    try {
      const messages = await readNew(who, block, options);
      missed.got(who, messages);
      return messages;
    } catch (error) {
      // A server that does not know that the connection is gone may give it messages for as long as it blocks.
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
      const part = await send("claim_stale", (redis) => command.claimIdle(redis, keyed(who), options));
      messages.push(...part.messages);
      lost += part.lost;
      cursor = part.cursor;
    } while (cursor !== firstCursor && messages.length < count);
    missed.got(who, messages);
    return { messages, lost };
  };

  return { redeliver, readNext, claimStale };
}
