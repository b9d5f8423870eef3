import type { Redis } from "ioredis";
import { StillupError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { within } from "../within.ts";
import { createMissed } from "./missed.ts";
import { createBells } from "./redis-bells.ts";
import * as command from "./redis-commands.ts";
import { commandTimeoutMs, openConnection, parseRedisUrl } from "./redis-connection.ts";
import { firstCursor, mostEntries, type Place } from "./redis-entries.ts";
import { type Block, createReaders } from "./redis-readers.ts";
import { createRoom } from "./room.ts";
import type { Consumer, EventStream, Message, Outgoing } from "./stream.ts";

const pingTimeoutMs = 2_000;
const mostLossesARead = 10;

interface RedisStreamOptions {
  /** `redis://[user:password@]host[:port][/db]`; `rediss://` for TLS with a verified certificate. */
  readonly url: string;
  readonly metrics?: Pick<Metrics, "count">;
  /** Before every key and channel; `stillup:` when left out. Two prefixes on one server never meet. */
  readonly prefix?: string;
}

/**
 * The EventStream port on Redis 7.0 and up, over TCP. Settling deletes, so a stream is for one group. Nothing is
 * connected before the first call; connections come back by themselves until `close`.
 * @throws StillupError `invalid_configuration` when the URL is not one of Redis.
 */
export function createRedisStream({ url, metrics, prefix = "stillup:" }: RedisStreamOptions): EventStream {
  const target = parseRedisUrl(url);
  const commands = openConnection(target);
  const readers = createReaders(target, commands);
  const bells = createBells(target);
  const missed = createMissed();
  const room = createRoom(mostEntries);
  const bellPrefix = `${prefix}wake:`;
  const placeOf = (who: Consumer): Place => ({ ...who, key: prefix + who.stream });
  const adding = ({ stream, body }: Outgoing) => command.adding(prefix + stream, body);
  const count = (kind: string) => metrics?.count("stillup_driver_calls_total", { driver: "redis", kind });
  const send = <T>(kind: string, work: (redis: Redis) => Promise<T>): Promise<T> => {
    count(kind);
    return commands.run(work);
  };

  const checkRoom = (entries: readonly Outgoing[]) =>
    room.check(entries, (stream) => send("length", (redis) => redis.xlen(prefix + stream)));

  const soon = async (answer: Promise<unknown>): Promise<void> => {
    // The connection still gets its full time: others may wait for an answer on it.
    const isThere = await within(
      pingTimeoutMs,
      answer.then(() => true),
    );
    if (isThere === null) throw new StillupError("stream_unavailable", `${target.name} did not answer within 2 s`);
  };

  const settle: EventStream["settle"] = async (who, { ack, publish }) => {
    if (ack.length + publish.length === 0) return;
    await checkRoom(publish);
    const all = [...publish.map(adding), ...command.removing(placeOf(who), ack)];
    // Acks alone must get through when memory has run out, or it would never be freed.
    const carryOut = publish.length > 0 ? command.asOne : command.inOneTrip;
    await send<unknown>("settle", (redis) => carryOut(redis, all));
  };

  /** Adds once more what came for a reader that had gone: pending for nobody, it would wait for its lease to end. */
  const handBack = (who: Consumer, messages: readonly Message[]): Promise<void> => {
    const publish = messages.map(({ body }) => ({ stream: who.stream, body }));
    return settle(who, { ack: messages.map(({ id }) => id), publish }).catch(() => {});
  };

  const again = (who: Consumer, ids: readonly string[]) =>
    send("again", (redis) => command.claimOwn(redis, placeOf(who), ids));

  /** What the reader was given without knowing, else new entries. */
  const readNext = async (who: Consumer, block: Block, options: { count: number; blockMs: number }) => {
    const found = await missed.find(who, {
      count: options.count,
      pendingFrom: (id) => send("pending", (redis) => command.pendingFrom(redis, placeOf(who), id)),
      again: (ids) => again(who, ids),
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

  const readNew = async (who: Consumer, block: Block, options: { count: number; blockMs: number }) => {
    const until = performance.now() + options.blockMs;
    for (let losses = 0; losses < mostLossesARead; losses++) {
      const blockMs = Math.max(0, Math.ceil(until - performance.now()));
      count("read");
      const reply = await block((redis) => command.readNew(redis, placeOf(who), { ...options, blockMs }), blockMs);
      if (reply !== command.gone) return reply;
      await send("make_group", (redis) => command.makeGroup(redis, placeOf(who)));
    }
    throw new StillupError("stream_unavailable", `${target.name} keeps losing the group ${who.group} of ${who.stream}`);
  };

  return {
    settle,

    async publish(entries) {
      await checkRoom(entries);
      if (entries.length > 0) await send("publish", (redis) => command.inOneTrip(redis, entries.map(adding)));
    },

    async wake(name) {
      await send("wake", (redis) => redis.publish(bellPrefix + name, ""));
    },

    async read(who, { count, blockMs, signal }) {
      const reading = (block: Block) => readNext(who, block, { count, blockMs });
      return [...((await readers.read(reading, { signal, late: (messages) => handBack(who, messages) })) ?? [])];
    },

    again: async (who, ids) => (ids.length === 0 ? [] : again(who, ids)),

    async takeOver(who, { minIdleMs, count }) {
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
    },

    removeIdleConsumers: (who, { minIdleMs }) =>
      send("remove_idle_consumers", (redis) => command.removeIdle(redis, placeOf(who), minIdleMs)),

    state: (stream, group) => send("state", (redis) => command.stateOf(redis, prefix + stream, group)),

    onWake: (names, ring) =>
      bells.listen(
        names.map((name) => bellPrefix + name),
        (channel) => ring(channel.slice(bellPrefix.length)),
      ),

    ping: () => soon(send("ping", (redis) => redis.ping())),

    ready: () => soon(send("ready", (redis) => command.tryAdding(redis, `${prefix}ready`))),

    async close() {
      await readers.close();
      await Promise.all([commands.close(), bells.close()]);
    },
  };
}
