import { type Config, readConfig, type Variables } from "../runtime/config.ts";
import { createReader } from "../runtime/config-reader.ts";
import { defaultWorkSeconds, type HostLimits, type HostName, limitsOf } from "../runtime/limits.ts";

export interface HostConfig {
  /** What functions are shown: no connection string is among it. */
  readonly config: Config;
  readonly limits: HostLimits;
  readonly databaseUrl: string;
  readonly stream: { readonly url: string; readonly token: string };
  /** How long one tick of the host's clock works. */
  readonly workSeconds: number;
}

/** Workers hold no more connections open at once. */
const CLOUDFLARE_CONNECTIONS = 6;

/**
 * The configuration of a function host: the variables of every other mode, but both services over HTTP, and WORK_SECONDS.
 * @throws StillupError `invalid_configuration` whose `errors` say what to change.
 */
export function readHostConfig(host: HostName, variables: Variables): HostConfig {
  const read = createReader(variables);
  const workSeconds = read.integer("WORK_SECONDS", { min: 5, max: 840, otherwise: defaultWorkSeconds[host] });
  const { database, stream, host: _, port: _port, workerPort: _workerPort, ...config } = readConfig(variables);
  if (database.driver !== "http") {
    read.refuse("DATABASE_URL", "is reached over TCP, and here over HTTP alone: name a database of Neon's.");
  }
  if (stream.driver !== "http") {
    read.refuse("REDIS_URL", "is reached over TCP, and here over HTTP alone: set UPSTASH_REDIS_REST_URL and _TOKEN.");
  }
  const most = host === "cloudflare" ? CLOUDFLARE_CONNECTIONS : config.workerConcurrency;
  const limits = limitsOf(host, workSeconds);
  return read.finish({
    config: { ...config, workerConcurrency: Math.min(most, config.workerConcurrency), limits },
    limits,
    workSeconds,
    databaseUrl: database.driver === "http" ? database.url : "",
    stream: stream.driver === "http" ? stream : { url: "", token: "" },
  });
}
