import { openConnection, type RedisConnection, type RedisTarget } from "./redis-connection.ts";

/** Listens on pub/sub channels, over one connection that is opened for the first of them. */
interface RedisWakeUps {
  /**
   * Calls `wake` with the channel of every message on `channels`, and with all of them after a reconnect, because
   * messages may have been missed. Resolves once it is subscribed, with the function that ends it.
   */
  listen(channels: readonly string[], wake: (channel: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export function createWakeUps(target: RedisTarget): RedisWakeUps {
  const listeners = new Map<string, Set<(channel: string) => void>>();
  let connection: RedisConnection | undefined;

  const wakeAll = () => {
    for (const [channel, wakes] of listeners) for (const wake of wakes) wake(channel);
  };

  const open = () => {
    const opened = openConnection(target);
    opened.redis.on("message", (channel) => {
      for (const wake of listeners.get(channel) ?? []) wake(channel);
    });
    let isFirst = true;
    opened.redis.on("ready", () => {
      const wakeMissed = isFirst ? () => {} : wakeAll;
      isFirst = false;
      if (listeners.size === 0) return;
      // This fails only with the connection, and the next connection subscribes again.
      opened.run((redis) => redis.subscribe(...listeners.keys())).then(wakeMissed, () => {});
    });
    return opened;
  };

  return {
    async listen(channels, wake) {
      connection ??= open();
      const { run } = connection;
      const own = (channel: string) => wake(channel);
      const stop = async () => {
        for (const channel of channels) listeners.get(channel)?.delete(own);
        const unused = channels.filter((channel) => listeners.get(channel)?.size === 0 && listeners.delete(channel));
        // If this fails, messages come to which nobody listens, until there is another connection.
        if (unused.length > 0) await run((redis) => redis.unsubscribe(...unused)).catch(() => {});
      };

      for (const channel of channels) listeners.set(channel, (listeners.get(channel) ?? new Set()).add(own));
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
