import { Redis } from "ioredis";
import { afterAll } from "vitest";
import { checksDue } from "../../domain/checks/job.ts";
import { alertsDue, statusChanged } from "../../domain/messaging/wake-up.ts";
import { postgresMissing, startPostgres } from "../../testing/postgres.ts";
import { type OwnRedis, ownRedisMissing, startOwnRedis } from "../../testing/redis.ts";
import { startStillup } from "../../testing/stillup.ts";
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
  const streams = [checksDue, statusChanged, alertsDue].map(({ stream }) => `stillup:${stream}`);
  const ask = async (work: (client: Redis) => Promise<number>) => {
    const client = new Redis(redis.url);
    return work(client).finally(() => client.disconnect());
  };
  return {
    "everything is flushed": () =>
      ask(async (client) => {
        const counting = streams.reduce((multi, stream) => multi.xlen(stream), client.multi());
        const replies = (await counting.flushall().exec()) ?? [];
        return total(replies.slice(0, streams.length).map(([, count]) => Number(count)));
      }),
    "everything is trimmed": () =>
      ask(async (client) => total(await Promise.all(streams.map((stream) => client.xtrim(stream, "MAXLEN", 0))))),
    "the server crashes": async () => {
      const count = await ask(async (client) => {
        await client.call("CLIENT", "PAUSE", 60_000, "WRITE"); // so that what is counted is there when it crashes
        return total(await Promise.all(streams.map((stream) => client.xlen(stream))));
      });
      await redis.kill9();
      await redis.restart();
      return count;
    },
  };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
