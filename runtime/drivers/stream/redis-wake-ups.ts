import { openConnection, type RedisConnection, type RedisTarget } from "./redis-connection.ts";

/** Listens on channels, over one connection that is opened for the first of them. */
interface RedisWakeUps {
  /**
   * Calls `wake` for every message on one of `channels`, and after a reconnect, which may have missed some; resolves, once
   * subscribed, with the function that ends it.
   */
  listen(channels: readonly string[], wake: (channel: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export function createWakeUps(target: RedisTarget): RedisWakeUps {
  const wakeUps = new Map<string, Set<(channel: string) => void>>();
  let connection: RedisConnection | undefined;

  const wakeAll = () => {
    for (const [channel, wakes] of wakeUps) for (const wake of wakes) wake(channel);
  };

  const open = () => {
    const opened = openConnection(target);
    opened.redis.on("message", (channel) => {
      for (const wake of wakeUps.get(channel) ?? []) wake(channel);
    });
    let isFirst = true;
    opened.redis.on("ready", () => {
      const wakeMissed = isFirst ? () => {} : wakeAll;
      isFirst = false;
      if (wakeUps.size === 0) return;
      // What fails here fails with the connection, and the next one comes by here again.
      opened.run((redis) => redis.subscribe(...wakeUps.keys())).then(wakeMissed, () => {});
    });
    return opened;
  };

  return {
    async listen(channels, wake) {
      connection ??= open();
      const { run } = connection;
      const own = (channel: string) => wake(channel);
      const stop = async () => {
        for (const channel of channels) wakeUps.get(channel)?.delete(own);
        const silent = channels.filter((channel) => wakeUps.get(channel)?.size === 0 && wakeUps.delete(channel));
        // If this fails, messages come that nobody listens to, until the connection is the next one.
        if (silent.length > 0) await run((redis) => redis.unsubscribe(...silent)).catch(() => {});
      };

      for (const channel of channels) wakeUps.set(channel, (wakeUps.get(channel) ?? new Set()).add(own));
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
