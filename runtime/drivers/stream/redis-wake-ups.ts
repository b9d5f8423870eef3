import { openConnection, type RedisConnection, type RedisTarget } from "./redis-connection.ts";

/** Listens on channels, over one connection that is opened for the first of them. */
interface RedisBells {
  /**
   * Calls `ring` for every message on one of `channels`, and after a reconnect, which may have missed some; resolves, once
   * subscribed, with the function that ends it.
   */
  listen(channels: readonly string[], ring: (channel: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export function createBells(target: RedisTarget): RedisBells {
  const bells = new Map<string, Set<(channel: string) => void>>();
  let connection: RedisConnection | undefined;

  const ringAll = () => {
    for (const [channel, rings] of bells) for (const ring of rings) ring(channel);
  };

  const open = () => {
    const opened = openConnection(target);
    opened.redis.on("message", (channel) => {
      for (const ring of bells.get(channel) ?? []) ring(channel);
    });
    let isFirst = true;
    opened.redis.on("ready", () => {
      const ringMissed = isFirst ? () => {} : ringAll;
      isFirst = false;
      if (bells.size === 0) return;
      // What fails here fails with the connection, and the next one comes by here again.
      opened.run((redis) => redis.subscribe(...bells.keys())).then(ringMissed, () => {});
    });
    return opened;
  };

  return {
    async listen(channels, ring) {
      connection ??= open();
      const { run } = connection;
      const own = (channel: string) => ring(channel);
      const stop = async () => {
        for (const channel of channels) bells.get(channel)?.delete(own);
        const silent = channels.filter((channel) => bells.get(channel)?.size === 0 && bells.delete(channel));
        // If this fails, messages come that nobody listens to, until the connection is the next one.
        if (silent.length > 0) await run((redis) => redis.unsubscribe(...silent)).catch(() => {});
      };

      for (const channel of channels) bells.set(channel, (bells.get(channel) ?? new Set()).add(own));
      try {
        await run((redis) => redis.subscribe(...channels));
      } catch (error) {
        await stop();
        throw error;
      }
      return stop;
    },
    close: async () => connection?.close(),
  };
}
