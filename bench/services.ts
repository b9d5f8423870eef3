import { Redis } from "ioredis";
import pg from "pg";
import { postgresMissing, startOwnPostgres, startPostgres } from "../testing/postgres.ts";
import { redisMissing, startOwnRedis } from "../testing/redis.ts";

export interface RunningService {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * An empty database that holds the floor's tables, on TEST_DATABASE_URL's server if there is one, else on one started
 * for it that waits for the disk. Throws with what to do when there is neither.
 */
export async function startDatabase(): Promise<RunningService> {
  if (postgresMissing !== null) throw new Error(`The bench needs Postgres: ${postgresMissing}`);
  const isGiven = Boolean(process.env["TEST_DATABASE_URL"]);
  const server = await (isGiven ? startPostgres() : startOwnPostgres({ settings: ["fsync=on"] }));
  try {
    const url = await server.createEmptyDatabase();
    await createFloorTables(url);
    return { url, stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function createFloorTables(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`
    create table floor_events (id text not null, hop text not null, primary key (id, hop));
    create table floor_rows (row int primary key, version int not null) with (fillfactor = 50);
    insert into floor_rows select row, 0 from generate_series(0, 499) as row`);
  await client.end();
}

/**
 * TEST_REDIS_URL's database if it is empty, else a Redis started for it with an append-only file, as in the Compose
 * file. Throws with what to do when there is neither.
 */
export async function startStreams(): Promise<RunningService> {
  if (redisMissing !== null) throw new Error(`The bench needs Redis: ${redisMissing}`);
  const url = process.env["TEST_REDIS_URL"];
  if (!url) return startOwnRedis(["--appendonly", "yes"]);
  const redis = new Redis(url);
  const keys = await redis.dbsize();
  await redis.quit();
  if (keys > 0) throw new Error("TEST_REDIS_URL's database is not empty. Give it another: redis://host:port/<number>.");
  return { url, stop: () => emptyDatabase(url) };
}

async function emptyDatabase(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushdb();
  await redis.quit();
}
