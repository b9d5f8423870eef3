import { startUpstashEmulator } from "../local/emulators/upstash.ts";
import { createUpstashStream } from "../runtime/stream/upstash.ts";
import { streamContract } from "./contracts/stream.ts";
import { redisMissing, startRedis } from "./support/redis.ts";

const token = "a-token-of-the-emulator's";

streamContract("Streams on Upstash", makeService, redisMissing);

async function makeService() {
  const redis = await startRedis();
  const emulator = await startUpstashEmulator({ redisUrl: redis.url, token });
  return {
    connect: () => createUpstashStream({ url: emulator.url, token, prefix: redis.prefix }),
    loseEverything: redis.loseEverything,
    async stop() {
      await emulator.close();
      await redis.stop();
    },
  };
}
