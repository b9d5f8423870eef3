import { Redis } from "ioredis";
import { afterAll } from "vitest";
import { sources } from "../../domain/sources.ts";
import { postgresMissing, startPostgres } from "../support/postgres.ts";
import { type OwnRedis, ownRedisMissing, startOwnRedis } from "../support/redis.ts";
import { startStillup } from "../support/stillup.ts";
import { loadSuite, type Running } from "./suite.ts";

const missing = postgresMissing ?? ownRedisMissing;
const postgres = missing === null ? await startPostgres() : null;
afterAll(() => postgres?.stop());

loadSuite("in four processes on Postgres and Redis", {
  intervalSeconds: 10,
  losesStreams: true,
  skip: missing,
  async start(dist) {
    const redis = await startOwnRedis();
    try {
      const stillup = await startStillup(dist, (await postgres?.createEmptyDatabase()) ?? "", redis.url);
      return { api: stillup.api, losses: lossesOf(redis), stop: () => stillup.stop().finally(redis.stop) };
    } catch (error) {
      await redis.stop();
      throw error;
    }
  },
});

/** The server keeps nothing on disk. */
function lossesOf(redis: OwnRedis): NonNullable<Running["losses"]> {
  const ask = async (work: (client: Redis) => Promise<unknown>) => {
    const client = new Redis(redis.url);
    await work(client).finally(() => client.disconnect());
  };
  return {
    "everything is flushed": () => ask((client) => client.flushall()),
    "everything is trimmed": () =>
      ask((client) => Promise.all(sources.map(({ stream }) => client.xtrim(`stillup:${stream}`, "MAXLEN", 0)))),
    "the server crashes": async () => {
      await redis.kill9();
      await redis.restart();
    },
  };
}
