import {
  type Config,
  functionConfig,
  readConfig,
  SHARED_HTTP_CALLS,
  type Variables,
} from "../../runtime/config/config.ts";
import { createReader } from "../../runtime/config/reader.ts";
import type { Settings } from "../../runtime/config/settings.ts";
import { defaultWorkSeconds, type HostLimits, type HostName, limitsOf } from "../../runtime/limits.ts";

export interface HostConfig {
  /** What functions are shown: no connection string is among it. */
  readonly config: Config & { readonly limits: HostLimits };
  /** Calls at once by functions whose http is `shared`. */
  readonly sharedCalls: number;
  readonly databaseUrl: string;
  readonly stream: { readonly url: string; readonly token: string };
  /** How long one tick of the host's clock works. */
  readonly workSeconds: number;
}

/**
 * A Worker's call has 6 connections, one of which hears wake-ups. What is more waits in line with its time-out running, so that
 * a target would seem slow that was never called. Statements and streams are quick, and use the connections that are free.
 */
const CLOUDFLARE = { limited: 3, shared: 2 };

/**
 * The configuration of a function host: the variables of every other mode, but both services over HTTP, and WORK_SECONDS.
 * @throws StillupError `invalid_configuration` whose `errors` say what to change.
 */
export function readHostConfig(host: HostName, variables: Variables, settings: Settings): HostConfig {
  const read = createReader(variables);
  const workSeconds = read.integer("WORK_SECONDS", { min: 5, max: 840, default: defaultWorkSeconds[host] });
  const all = readConfig(variables, settings);
  const { database, stream } = all;
  const config = functionConfig(all);
  if (database.driver !== "http") {
    read.refuse("DATABASE_URL", "uses TCP, and this host has only HTTP: use a Neon database.");
  }
  if (stream.driver !== "http") {
    read.refuse(
      "REDIS_URL",
      "uses TCP, and this host has only HTTP: set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN.",
    );
  }
  const calls = host === "cloudflare" ? CLOUDFLARE : { limited: config.workerConcurrency, shared: SHARED_HTTP_CALLS };
  return read.finish({
    config: {
      ...config,
      workerConcurrency: Math.min(calls.limited, config.workerConcurrency),
      limits: limitsOf(host, workSeconds),
    },
    sharedCalls: calls.shared,
    workSeconds,
    databaseUrl: database.driver === "http" ? database.url : "",
    stream: stream.driver === "http" ? stream : { url: "", token: "" },
  });
}
