import { afterAll } from "vitest";
import { postgresMissing, startPostgres } from "../support/postgres.ts";
import { ownRedisMissing, startOwnRedis } from "../support/redis.ts";
import { startStillup } from "../support/stillup.ts";
import { loadSuite } from "./suite.ts";

const missing = postgresMissing ?? ownRedisMissing;
const postgres = missing === null ? await startPostgres() : null;
afterAll(() => postgres?.stop());

loadSuite("in four processes on Postgres and Redis", {
  intervalSeconds: 5,
  skip: missing,
  async start(dist) {
    const redis = await startOwnRedis();
    try {
      const stillup = await startStillup(dist, (await postgres?.createEmptyDatabase()) ?? "", redis.url);
      return { api: stillup.api, stop: () => stillup.stop().finally(redis.stop) };
    } catch (error) {
      await redis.stop();
      throw error;
    }
  },
});
