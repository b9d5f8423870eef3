import { createRedisStream } from "../runtime/stream/redis.ts";
import { streamContract } from "./contracts/stream.ts";
import { redisMissing, startRedis } from "./support/redis.ts";

streamContract("Streams on Redis", makeService, redisMissing);

async function makeService() {
  const redis = await startRedis();
  return { ...redis, connect: () => createRedisStream(redis) };
}
