import type { NetworkPolicy } from "../drivers/http/http.ts";
import type { HostLimits } from "../limits.ts";
import type { LogLevel } from "../log.ts";
import { type ConfigReader, createReader, hostOf, parseBareHttpUrl, type Variables } from "./reader.ts";
import { type DatabaseConfig, readDatabase, readStream, type StreamConfig } from "./services.ts";
import { readSettings, type Settings } from "./settings.ts";

export type { Variables } from "./reader.ts";
export type { DatabaseConfig, StreamConfig } from "./services.ts";

const logLevels = ["DEBUG", "INFO", "WARN", "ERROR"] as const satisfies readonly LogLevel[];

/** The runtime's part of `env.config`, beside the settings that functions declare. Connection strings are not in it. */
export interface Config {
  /** The administrator's key, at least 32 characters. */
  readonly apiKey: string;
  readonly networkPolicy: NetworkPolicy;
  /** Where the API is reached from outside, without a trailing slash. */
  readonly publicUrl: string | null;
  readonly logLevel: LogLevel;
  /** Calls at once in one process by functions whose http is `limited`. */
  readonly workerConcurrency: number;
  /** How long a worker may hold a stream entry before others take it over. */
  readonly workerLeaseSeconds: number;
  /** How long a process may take to stop. */
  readonly drainSeconds: number;
  /** What the function host that this runs on cannot do; left out where processes run. */
  readonly limits?: HostLimits;
}

/** What a process of the local runtime needs beside it. */
export interface ProcessConfig extends Config {
  readonly host: string;
  readonly port: number;
  readonly workerPort: number;
  readonly database: DatabaseConfig;
  readonly stream: StreamConfig;
}

/** Calls at once in one process by functions whose http is `shared`. Those that make many bound them themselves. */
export const SHARED_HTTP_CALLS = 1000;

/** The key in `.env.local`. Everybody can read it, so it is refused for anything but services on the same machine. */
export const DEVELOPMENT_API_KEY = "stillup-development-key-for-this-machine-only";

/** Hosts that are this machine: loopback, and the services of docker-compose.yml by their names. */
const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|postgres|redis)$/;

/**
 * The configuration of a service that has Postgres and Redis, with the values of the functions' own `settings`. An empty
 * variable counts as unset.
 * @throws StillupError `invalid_configuration` whose `errors` name every bad variable at once, and none of their values.
 */
export function readConfig(variables: Variables, settings: Settings = {}): ProcessConfig {
  const read = createReader(variables);
  const database = readDatabase(read);
  const stream = readStream(read);
  const apiKey =
    readApiKey(read) ?? read.missing("API_KEY", "Set it to a secret of 32 characters or more: openssl rand -hex 32");
  if (apiKey === DEVELOPMENT_API_KEY && [database.url, database.directUrl, stream.url].some(isElsewhere)) {
    read.refuse(
      "API_KEY",
      "is the public one of .env.local, but the database or Redis is not local. Make one of your own.",
    );
  }
  return read.finish({
    ...readServer(read),
    apiKey,
    database,
    stream,
    networkPolicy: read.choice("NETWORK_POLICY", ["public", "private"], "public"),
    publicUrl: readPublicUrl(read),
    logLevel: read.choice("LOG_LEVEL", logLevels, "INFO"),
    workerPort: read.integer("WORKER_PORT", { min: 0, max: 65_535, default: 9090 }),
    workerConcurrency: read.integer("WORKER_CONCURRENCY", { min: 1, max: 10_000, default: 200 }),
    workerLeaseSeconds: read.integer("WORKER_LEASE_SECONDS", { min: 5, max: 3600, default: 120 }),
    drainSeconds: read.integer("DRAIN_SECONDS", { min: 1, max: 600, default: 10 }),
    ...readSettings(read, settings),
  });
}

/**
 * The configuration of `npm start`: everything in one process, the data in `dataDir`. Only PORT, HOST, API_KEY and
 * LOG_LEVEL are read. `apiKey` is used when API_KEY is unset, and all `settings` have their defaults.
 * @throws StillupError `invalid_configuration`, like `readConfig`.
 */
export function readOneProcessConfig(
  variables: Variables,
  { settings = {}, ...defaults }: { readonly dataDir: string; readonly apiKey: string; readonly settings?: Settings },
): ProcessConfig {
  const read = createReader(variables);
  return read.finish({
    ...readServer(read),
    apiKey: readApiKey(read) ?? defaults.apiKey,
    logLevel: read.choice("LOG_LEVEL", logLevels, "WARN"),
    database: { driver: "pglite", dataDir: defaults.dataDir },
    stream: { driver: "memory" },
    networkPolicy: "private",
    publicUrl: null,
    workerPort: 0,
    workerConcurrency: 200,
    workerLeaseSeconds: 120,
    drainSeconds: 10,
    ...readSettings(createReader({}), settings),
  });
}

/** The part of it that functions get. */
export function functionConfig(all: ProcessConfig): Config {
  const { host: _host, port: _port, workerPort: _workerPort, database: _database, stream: _stream, ...config } = all;
  return config;
}

function readServer(read: ConfigReader) {
  const host = read.text("HOST") ?? "127.0.0.1";
  if (!/^[\w.:-]{1,253}$/.test(host)) {
    read.refuse(
      "HOST",
      "must be an address or a host name to listen on, such as 127.0.0.1 or 0.0.0.0, without a port.",
    );
  }
  return { host, port: read.integer("PORT", { min: 0, max: 65_535, default: 3000 }) };
}

/** It travels in a header. */
export function isApiKey(text: string): boolean {
  return /^[\x21-\x7e]{32,512}$/.test(text);
}

function readApiKey(read: ConfigReader): string | undefined {
  const key = read.text("API_KEY");
  if (key !== undefined && !isApiKey(key)) {
    read.refuse("API_KEY", "must be 32 to 512 visible ASCII characters without spaces: it travels in a header.");
  }
  return key;
}

function readPublicUrl(read: ConfigReader): string | null {
  const value = read.text("PUBLIC_URL");
  if (value === undefined) return null;
  const url = parseBareHttpUrl(value);
  if (url === null) {
    read.refuse("PUBLIC_URL", "must look like https://status.example.com, with no credentials, query or fragment.");
    return null;
  }
  return url.href.replace(/\/+$/, "");
}

/** True for a URL of another machine; a URL that could not be read is reported already. */
function isElsewhere(url: string): boolean {
  return url !== "" && !LOCAL_HOST.test(hostOf(url));
}
