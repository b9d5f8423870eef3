import { join } from "node:path";
import { startUpstashEmulator } from "../../../local/emulators/upstash.ts";
import { startNeon, type TestNeon } from "../../../testing/neon.ts";
import { startPostgres } from "../../../testing/postgres.ts";
import { startOwnRedis } from "../../../testing/redis.ts";
import { upstashToken } from "../../../testing/upstash.ts";

export const API_KEY = "the-key-of-every-host-that-is-tested-0123456789";

/** Postgres and Redis behind Neon's and Upstash's emulators, for one host. */
export interface HostServices {
  readonly neon: TestNeon;
  /** Postgres itself, for a look behind. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly upstash: { readonly url: string; readonly token: string };
  /** What a host is configured with. */
  readonly variables: Readonly<Record<string, string>>;
  /** What a host that is a process of Node's needs besides, to find Neon's emulator. */
  readonly nodeVariables: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startHostServices(): Promise<HostServices> {
  const postgres = await startPostgres();
  const databaseUrl = await postgres.createDatabase();
  const neon = await startNeon(databaseUrl);
  const redis = await startOwnRedis();
  const upstash = await startUpstashEmulator({ redisUrl: redis.url, token: upstashToken });
  return {
    neon,
    databaseUrl,
    redisUrl: redis.url,
    upstash: { url: upstash.url, token: upstashToken },
    variables: {
      DATABASE_URL: neon.urlOf(databaseUrl),
      UPSTASH_REDIS_REST_URL: upstash.url,
      UPSTASH_REDIS_REST_TOKEN: upstashToken,
      API_KEY,
      NETWORK_POLICY: "private",
      LOG_LEVEL: "WARN",
      WORKER_LEASE_SECONDS: "60",
      WORK_SECONDS: "5",
    },
    nodeVariables: {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, "route-neon.mjs")}`,
      NEON_PORT: neon.address.port,
      NEON_CA: neon.ca,
    },
    async stop() {
      await upstash.close();
      await neon.close();
      await redis.stop();
      await postgres.stop();
    },
  };
}
