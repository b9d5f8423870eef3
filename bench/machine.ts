import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import { Redis } from "ioredis";
import pg from "pg";

/** Where a run was made, and with what. */
export interface Machine {
  /** The day, in UTC. */
  readonly date: string;
  readonly processor: string;
  readonly memoryGb: number;
  readonly system: string;
  /** Processes that wanted a processor, on average over the minute before. */
  readonly load: number;
  readonly node: string;
  readonly postgres: string;
  readonly redis: string;
}

/** Throws when Postgres is set not to wait for the disk: both sides would be measured without what they promise. */
export async function describeMachine(databaseUrl: string, redisUrl: string): Promise<Machine> {
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"} (${arch()})`,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    load: loadavg()[0] ?? 0,
    node: process.versions.node,
    postgres: await describePostgres(databaseUrl),
    redis: await describeRedis(redisUrl),
  };
}

async function describePostgres(url: string): Promise<string> {
  const client = new pg.Client(url);
  await client.connect();
  const settings = await client.query<{ version: string; fsync: string; commit: string }>(`
    select current_setting('server_version') as version, current_setting('fsync') as fsync,
      current_setting('synchronous_commit') as commit`);
  await client.end();
  const [row] = settings.rows;
  if (row?.fsync !== "on" || row.commit !== "on") {
    throw new Error("This Postgres does not wait for the disk. Set fsync and synchronous_commit to on.");
  }
  return `${row.version}, fsync on`;
}

async function describeRedis(url: string): Promise<string> {
  const redis = new Redis(url);
  const info = await redis.info();
  await redis.quit();
  const field = (name: string) => new RegExp(`^${name}:(\\S*)`, "m").exec(info)?.[1];
  return `${field("redis_version")}, append-only file ${field("aof_enabled") === "1" ? "on" : "off"}`;
}
