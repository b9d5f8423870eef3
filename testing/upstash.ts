import { startUpstashEmulator, type UpstashEmulator } from "../local/emulators/upstash.ts";
import type { EventStream } from "../runtime/drivers/stream/stream.ts";
import { createUpstashStream } from "../runtime/drivers/stream/upstash.ts";
import type { Labels, Metric } from "../runtime/metrics.ts";
import { startRedis, type TestRedis } from "./redis.ts";

export const upstashToken = "the-secret-token-of-the-emulator";

/** An emulator of Upstash in front of a Redis. Only where `redisMissing` is null. */
export interface TestUpstash {
  readonly emulator: UpstashEmulator;
  readonly redis: TestRedis;
  /** The service as another process sees it. */
  connect(metrics?: CountedCalls): EventStream;
  stop(): Promise<void>;
}

export async function startUpstash(): Promise<TestUpstash> {
  const redis = await startRedis();
  const emulator = await startUpstashEmulator({ redisUrl: redis.url, token: upstashToken });
  return {
    emulator,
    redis,
    connect: (metrics = countCalls()) =>
      createUpstashStream({ url: emulator.url, token: upstashToken, prefix: redis.prefix, metrics }),
    async stop() {
      await emulator.close();
      await redis.stop();
    },
  };
}

/** Stands in for the metrics: what a driver says that it has called. */
export interface CountedCalls {
  count(metric: Metric<"counter">, labels?: Labels, by?: number): void;
  readonly trips: Map<string, number>;
  readonly commands: Map<string, number>;
}

export function countCalls(): CountedCalls {
  const trips = new Map<string, number>();
  const commands = new Map<string, number>();
  return {
    trips,
    commands,
    count(_name, { kind = "" } = {}, by = 1) {
      const [, command] = /^command:(.*)/.exec(kind) ?? [];
      const [counts, key] = command === undefined ? [trips, kind] : [commands, command];
      counts.set(key, (counts.get(key) ?? 0) + by);
    },
  };
}
