import { type FieldError, StillupError } from "./errors.ts";
import type { NetworkPolicy } from "./http/http.ts";
import { parsePostgresUrl } from "./sql/postgres-url.ts";

const logLevels = ["DEBUG", "INFO", "WARN", "ERROR"] as const;
export type LogLevel = (typeof logLevels)[number];

/** What a function may know of the configuration: `env.config`. Connection strings are not among it. */
export interface Config {
  /** The administrator's key, at least 32 characters. */
  readonly apiKey: string;
  readonly networkPolicy: NetworkPolicy;
  /** Where the API is reached from outside, without a trailing slash. */
  readonly publicUrl: string | null;
  readonly logLevel: LogLevel;
  /** Probes at once in one process. */
  readonly workerConcurrency: number;
  /** How long a worker may hold a stream entry before others take it over. */
  readonly workerLeaseSeconds: number;
  /** Days that raw checks are kept. */
  readonly rawCheckDays: number;
}

export type DatabaseConfig =
  | { readonly driver: "tcp"; readonly url: string; readonly directUrl: string }
  | { readonly driver: "pglite"; readonly dataDir: string };

export type StreamConfig = { readonly driver: "tcp"; readonly url: string } | { readonly driver: "memory" };

/** What a process of the local runtime needs beside it. */
export interface ProcessConfig extends Config {
  readonly host: string;
  readonly port: number;
  readonly workerPort: number;
  /** How long a process may take to stop after SIGTERM. */
  readonly drainSeconds: number;
  readonly database: DatabaseConfig;
  readonly stream: StreamConfig;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** The key in `.env.local`. Everybody can read it, so it is refused for anything but services on the same machine. */
export const DEVELOPMENT_API_KEY = "stillup-development-key-for-this-machine-only";

/** Hosts that are this machine: loopback, and the services of docker-compose.yml by their names. */
const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|postgres|redis)$/;
const DATABASE_EXAMPLE = "postgres://user:password@host:5432/database";
const REDIS_EXAMPLE = "redis://user:password@host:6379";

/**
 * The configuration of a service that has Postgres and Redis. An empty variable counts as unset.
 * @throws StillupError `invalid_configuration` whose `errors` name every bad variable at once, and none of their values.
 */
export function readConfig(variables: Variables): ProcessConfig {
  const read = reader(variables);
  const database = readDatabase(read);
  const stream = readStream(read);
  const apiKey = readApiKey(read) ?? read.missing("API_KEY", "Set it to a secret of at least 32 characters.");
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
    workerPort: read.integer("WORKER_PORT", { min: 0, max: 65_535, otherwise: 9090 }),
    workerConcurrency: read.integer("WORKER_CONCURRENCY", { min: 1, max: 10_000, otherwise: 200 }),
    workerLeaseSeconds: read.integer("WORKER_LEASE_SECONDS", { min: 5, max: 3600, otherwise: 120 }),
    drainSeconds: read.integer("DRAIN_SECONDS", { min: 1, max: 600, otherwise: 10 }),
    rawCheckDays: read.integer("RAW_CHECK_DAYS", { min: 1, max: 365, otherwise: 7 }),
  });
}

/**
 * The configuration of `npm start`: everything in one process, the data in `dataDir`. Only PORT, HOST, API_KEY and
 * LOG_LEVEL are read; `apiKey` stands in for an unset API_KEY.
 * @throws StillupError `invalid_configuration`, like `readConfig`.
 */
export function readOneProcessConfig(
  variables: Variables,
  defaults: { readonly dataDir: string; readonly apiKey: string },
): ProcessConfig {
  const read = reader(variables);
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
    rawCheckDays: 7,
  });
}

type Reader = ReturnType<typeof reader>;

/** Reads single variables and remembers what was wrong with them; a bad one reads as its default meanwhile. */
function reader(variables: Variables) {
  const errors: FieldError[] = [];
  const refuse = (field: string, message: string) => void errors.push({ field, message });
  const text = (name: string) => variables[name] || undefined;
  return {
    text,
    refuse,
    missing(name: string, remedy: string): string {
      refuse(name, `is not set. ${remedy}`);
      return "";
    },
    choice<const T extends string>(name: string, allowed: readonly T[], otherwise: NoInfer<T>): T {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return otherwise;
      const found = allowed.find((word) => word.toLowerCase() === value);
      if (found === undefined) refuse(name, `must be one of ${allowed.join(", ")}.`);
      return found ?? otherwise;
    },
    integer(name: string, { min, max, otherwise }: { min: number; max: number; otherwise: number }): number {
      const value = text(name);
      if (value === undefined) return otherwise;
      const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      refuse(name, `must be a whole number from ${min} to ${max}.`);
      return otherwise;
    },
    finish<T>(config: T): T {
      if (errors.length === 0) return config;
      const names = [...new Set(errors.map((error) => error.field))].join(", ");
      throw new StillupError("invalid_configuration", `These variables need a change: ${names}`, { errors });
    },
  };
}

function readServer(read: Reader) {
  const host = read.text("HOST") ?? "127.0.0.1";
  if (!/^[\w.:-]{1,253}$/.test(host)) {
    read.refuse(
      "HOST",
      "must be an address or a host name to listen on, such as 127.0.0.1 or 0.0.0.0, without a port.",
    );
  }
  return { host, port: read.integer("PORT", { min: 0, max: 65_535, otherwise: 3000 }) };
}

function readApiKey(read: Reader): string | undefined {
  const key = read.text("API_KEY");
  if (key !== undefined && !/^[\x21-\x7e]{32,512}$/.test(key)) {
    read.refuse("API_KEY", "must be 32 to 512 visible ASCII characters without spaces: it travels in a header.");
  }
  return key;
}

function readPublicUrl(read: Reader): string | null {
  const value = read.text("PUBLIC_URL");
  if (value === undefined) return null;
  const url = parseUrl(value, ["http:", "https:"]);
  if (url === null || url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    read.refuse("PUBLIC_URL", "must look like https://status.example.com, with no credentials, query or fragment.");
    return null;
  }
  return url.href.replace(/\/+$/, "");
}

function readDatabase(read: Reader) {
  const driver = read.choice("DATABASE_DRIVER", ["auto", "tcp", "http"], "auto");
  const url = readPostgresUrl(read, "DATABASE_URL") ?? "";
  if (read.text("DATABASE_URL") === undefined) read.missing("DATABASE_URL", `Set it to ${DATABASE_EXAMPLE}`);
  if (driver === "http") {
    read.refuse("DATABASE_DRIVER", "asks for HTTP, which this version cannot speak yet. Unset it or set it to tcp.");
  }
  if (driver === "auto" && /\.neon\.(tech|build)$/.test(hostOf(url))) {
    read.refuse("DATABASE_URL", "names a Neon host, whose HTTP driver is not there yet. Set DATABASE_DRIVER to tcp.");
  }
  return { driver: "tcp", url, directUrl: readPostgresUrl(read, "DATABASE_URL_DIRECT") ?? url } as const;
}

function readPostgresUrl(read: Reader, name: string): string | undefined {
  const url = read.text(name);
  if (url === undefined) return undefined;
  try {
    parsePostgresUrl(url);
    return url;
  } catch (error) {
    if (!(error instanceof StillupError)) throw error;
    read.refuse(name, `${error.message} It looks like ${DATABASE_EXAMPLE}`);
    return undefined;
  }
}

function readStream(read: Reader) {
  if (read.choice("REDIS_DRIVER", ["auto", "tcp", "http"], "auto") === "http") {
    read.refuse("REDIS_DRIVER", "asks for HTTP, which this version cannot speak yet. Unset it or set it to tcp.");
  }
  for (const name of ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"]) {
    if (read.text(name) !== undefined) {
      read.refuse(name, "is set, but streams over HTTP are not there yet. Unset it and set REDIS_URL.");
    }
  }
  return { driver: "tcp", url: readRedisUrl(read) } as const;
}

function readRedisUrl(read: Reader): string {
  const value = read.text("REDIS_URL");
  const address = read.text("REDIS_ADDR");
  if (value !== undefined) {
    const url = parseUrl(value, ["redis:", "rediss:"]);
    if (url !== null && /^(\/\d*)?$/.test(url.pathname)) return value;
    read.refuse(
      "REDIS_URL",
      `must look like ${REDIS_EXAMPLE}, or rediss:// for TLS, and may end in /<database number>.`,
    );
    return "";
  }
  if (address === undefined) return read.missing("REDIS_URL", `Set it to ${REDIS_EXAMPLE}`);
  const url = parseUrl(`redis://${address}`, ["redis:"]);
  if (url !== null && url.port !== "" && url.host === address.toLowerCase()) return url.href;
  read.refuse("REDIS_ADDR", "must be host:port, such as redis:6379. For anything more set REDIS_URL.");
  return "";
}

function parseUrl(value: string, protocols: readonly string[]): URL | null {
  try {
    const url = new URL(value);
    decodeURIComponent(url.username + url.password);
    return protocols.includes(url.protocol) && url.hostname !== "" ? url : null;
  } catch {
    return null;
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.toLowerCase() : "";
}

/** True for a URL of another machine; a URL that could not be read is reported already. */
function isElsewhere(url: string): boolean {
  return url !== "" && !LOCAL_HOST.test(hostOf(url));
}
