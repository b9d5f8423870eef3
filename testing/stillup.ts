import { randomBytes } from "node:crypto";
import { type ApiClient, apiClient } from "./api.ts";
import { runMigrations, type Service, type ServiceName, startService } from "./services.ts";

const NAMES: readonly ServiceName[] = ["api", "worker-monitoring", "worker-status-change", "worker-notification"];

/** A Stillup that runs, in processes of its own. */
export interface Stillup {
  readonly api: ApiClient;
  readonly apiKey: string;
  readonly services: readonly Service[];
  /** Stops all of it. Throws when a process did not end by itself, with exit code 0. */
  stop(): Promise<void>;
}

/**
 * The API and the three workers, as in containers, on this Postgres and Redis; migrated. `dist` is what build.mjs wrote,
 * `more` are variables beside the usual ones.
 */
export async function startStillup(
  dist: string,
  databaseUrl: string,
  redisUrl: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Stillup> {
  const apiKey = randomBytes(24).toString("base64url");
  const variables = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    API_KEY: apiKey,
    NETWORK_POLICY: "private",
    LOG_LEVEL: "WARN",
    ...more,
  };
  await runMigrations({ dist, variables });
  return startAll(NAMES, (name) => startService(name, { dist, variables }), apiKey);
}

/** Everything in one process, its data in `folder`. */
export async function startOneProcess(dist: string, folder: string): Promise<Stillup> {
  const apiKey = randomBytes(24).toString("base64url");
  return startAll(["all"], (name) => startService(name, { dist, folder, variables: { API_KEY: apiKey } }), apiKey);
}

/** The first of `names` serves the API. */
async function startAll(
  names: readonly ServiceName[],
  start: (name: ServiceName) => Promise<Service>,
  apiKey: string,
): Promise<Stillup> {
  const services: Service[] = [];
  const stop = async () => {
    const codes = await Promise.all(services.map((service) => service.stop()));
    const failed = services.filter((_, index) => codes[index] !== 0);
    if (failed.length > 0) throw new Error(`Did not end well: ${failed.map(({ name }) => name).join(", ")}`);
  };
  try {
    for (const name of names) services.push(await start(name));
  } catch (error) {
    await stop().catch(() => {}); // the first failure is the one to tell
    throw error;
  }
  return { api: apiClient(services[0]?.origin ?? "", apiKey), apiKey, services, stop };
}
