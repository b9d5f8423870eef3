import type { Redis } from "ioredis";
import { driverCallsTotal, type Metrics } from "../../metrics.ts";
import { createCapacity } from "./capacity.ts";
import * as command from "./redis-commands.ts";
import { openConnection, parseRedisUrl } from "./redis-connection.ts";
import { type KeyedConsumer, maxEntries } from "./redis-entries.ts";
import { createReaders } from "./redis-readers.ts";
import { createReads } from "./redis-reads.ts";
import { createWakeUps } from "./redis-wake-ups.ts";
import { handBack, withinPingTimeout } from "./shared.ts";
import type { Consumer, EventStream, Outgoing } from "./stream.ts";

interface RedisStreamOptions {
  /** `redis://[user:password@]host[:port][/db]`; `rediss://` for TLS with a verified certificate. */
  readonly url: string;
  readonly metrics?: Pick<Metrics, "count">;
  /** Before every key and channel; `stillup:` when left out. Two prefixes on one server share nothing. */
  readonly prefix?: string;
}

/**
 * The EventStream port on Redis 7.0 and later, over TCP. It connects at the first call, and reconnects by itself until
 * `close`. It sends no command twice.
 * @throws StillupError `invalid_configuration` when the URL is not a Redis URL.
 */
export function createRedisStream({ url, metrics, prefix = "stillup:" }: RedisStreamOptions): EventStream {
  const target = parseRedisUrl(url);
  const commands = openConnection(target);
  const readers = createReaders(target, commands);
  const wakeUps = createWakeUps(target);
  const capacity = createCapacity(maxEntries);
  const wakeUpPrefix = `${prefix}wake:`;
  const keyed = (who: Consumer): KeyedConsumer => ({ ...who, key: prefix + who.stream });
  const adding = ({ stream, body }: Outgoing) => command.adding(prefix + stream, body);
  const count = (kind: string) => metrics?.count(driverCallsTotal, { driver: "redis", kind });
  const send = <T>(kind: string, work: (redis: Redis) => Promise<T>): Promise<T> => {
    count(kind);
    return commands.run(work);
  };

  const reads = createReads({ target, keyed, count, send });

  const checkCapacity = (entries: readonly Outgoing[]) =>
    capacity.check(entries, (stream) => send("length", (redis) => redis.xlen(prefix + stream)));

  const settle: EventStream["settle"] = async (who, { ack, publish }) => {
    if (ack.length + publish.length === 0) return;
    await checkCapacity(publish);
    const all = [...publish.map(adding), ...command.removing(keyed(who), ack)];
    // Acks alone must succeed when memory has run out, or it would never be freed.
    const carryOut = publish.length > 0 ? command.asOne : command.inOneTrip;
    await send<unknown>("settle", (redis) => carryOut(redis, all));
  };

  return {
    settle,

    async publish(entries) {
      await checkCapacity(entries);
      if (entries.length > 0) await send("publish", (redis) => command.inOneTrip(redis, entries.map(adding)));
    },

    async wake(...names) {
      // Commands that are called together go out together.
      await send("wake", (redis) => Promise.all(names.map((name) => redis.publish(wakeUpPrefix + name, ""))));
    },

    async read(who, { count, blockMs, signal }) {
      const messages = await readers.read((block) => reads.readNext(who, block, { count, blockMs }), {
        signal,
        onLate: (messages) => handBack(settle, who, messages),
      });
      return [...(messages ?? [])];
    },

    redeliver: async (who, ids) => (ids.length === 0 ? [] : reads.redeliver(who, ids)),

    claimStale: reads.claimStale,

    removeIdleConsumers: (who, { minIdleMs }) =>
      send("remove_idle_consumers", (redis) => command.removeIdle(redis, keyed(who), minIdleMs)),

    state: (stream, group) => send("state", (redis) => command.stateOf(redis, prefix + stream, group)),

    onWake: (names, wake) =>
      wakeUps.listen(
        names.map((name) => wakeUpPrefix + name),
        (channel) => wake(channel.slice(wakeUpPrefix.length)),
      ),

    ping: () =>
      withinPingTimeout(
        send("ping", (redis) => redis.ping()),
        target.failure,
      ),

    ready: () =>
      withinPingTimeout(
        send("ready", (redis) => command.tryAdding(redis, `${prefix}ready`)),
        target.failure,
      ),

    async close() {
      await readers.close();
      await Promise.all([commands.close(), wakeUps.close()]);
    },
  };
}
