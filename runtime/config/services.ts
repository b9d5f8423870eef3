import { directUrl, isNeonHost, overTls, parseNeonUrl } from "../drivers/sql/neon-url.ts";
import { parsePostgresUrl } from "../drivers/sql/postgres-url.ts";
import { StillupError } from "../errors.ts";
import { type ConfigReader, hostOf, parseBareHttpUrl, parseUrlOf } from "./reader.ts";

/** How to reach the database. `directUrl` is for migrations: it goes around a pooler, and over TCP in any case. */
export type DatabaseConfig =
  | { readonly driver: "tcp" | "http"; readonly url: string; readonly directUrl: string }
  | { readonly driver: "pglite"; readonly dataDir: string };

export type StreamConfig =
  | { readonly driver: "tcp"; readonly url: string }
  | { readonly driver: "http"; readonly url: string; readonly token: string }
  | { readonly driver: "memory" };

const DATABASE_EXAMPLE = "postgres://user:password@host:5432/database";
const REDIS_EXAMPLE = "redis://user:password@host:6379";
const REST_URL = "UPSTASH_REDIS_REST_URL";
const REST_TOKEN = "UPSTASH_REDIS_REST_TOKEN";
const UPSTASH_PAGE = "console.upstash.com shows it on the database's page, under REST.";

export function readDatabase(read: ConfigReader) {
  const choice = read.choice("DATABASE_DRIVER", ["auto", "tcp", "http"], "auto");
  const given = read.text("DATABASE_URL");
  const driver = choice === "auto" ? (isNeonHost(hostOf(given ?? "")) ? "http" : "tcp") : choice;
  const url = readPostgresUrl(read, "DATABASE_URL", driver);
  const direct = readPostgresUrl(read, "DATABASE_URL_DIRECT", "tcp") ?? url;
  if (given === undefined) {
    const remedy = `Set it to ${DATABASE_EXAMPLE}; Neon's is shown at console.neon.tech, under the project's Connect.`;
    read.missing("DATABASE_URL", remedy);
  }
  return {
    driver,
    url: url === undefined ? "" : overTls(url),
    directUrl: direct === undefined ? "" : directUrl(direct),
  } as const;
}

function readPostgresUrl(read: ConfigReader, name: string, driver: "tcp" | "http"): string | undefined {
  const url = read.text(name);
  if (url === undefined) return undefined;
  try {
    const parse = driver === "http" || isNeonHost(hostOf(url)) ? parseNeonUrl : parsePostgresUrl;
    parse(url);
    return url;
  } catch (error) {
    if (!(error instanceof StillupError)) throw error;
    read.refuse(name, `${error.message} It looks like ${DATABASE_EXAMPLE}`);
    return undefined;
  }
}

/** With `auto` streams go over HTTP where one of the two REST variables is set. */
export function readStream(read: ConfigReader) {
  const choice = read.choice("REDIS_DRIVER", ["auto", "tcp", "http"], "auto");
  const tcp = readRedis(read);
  const hasRest = (read.text(REST_URL) ?? read.text(REST_TOKEN)) !== undefined;
  if (choice === "http" || (choice === "auto" && hasRest)) {
    const rest = readRest(read);
    // Two hosts are two databases: half of the services on each would hear nothing of the other half.
    if (choice === "auto" && tcp?.url && rest.url !== "" && hostOf(tcp.url) !== hostOf(rest.url)) {
      const remedy = `Unset the one that is not to be used, or set REDIS_DRIVER to tcp or http.`;
      read.refuse(tcp.variable, `names another host than ${REST_URL}. ${remedy}`);
    }
    return rest;
  }
  const remedy = `Set it to ${REDIS_EXAMPLE}`;
  const orRest = choice === "auto" ? `, or set ${REST_URL} and ${REST_TOKEN}, as console.upstash.com shows them.` : "";
  return { driver: "tcp", url: tcp?.url ?? read.missing("REDIS_URL", remedy + orRest) } as const;
}

function readRest(read: ConfigReader) {
  return { driver: "http", url: readRestUrl(read), token: readRestToken(read) } as const;
}

function readRestUrl(read: ConfigReader): string {
  const value = read.text(REST_URL);
  if (value === undefined) return read.missing(REST_URL, UPSTASH_PAGE);
  const url = parseBareHttpUrl(value);
  if (url === null) {
    read.refuse(REST_URL, "must look like https://name.upstash.io. An address with rediss:// goes into REDIS_URL.");
  } else if (url.protocol === "http:" && url.hostname.endsWith(".upstash.io")) {
    read.refuse(REST_URL, "must begin with https://: over http:// others could read the token.");
  }
  return url === null ? "" : value;
}

function readRestToken(read: ConfigReader): string {
  const value = read.text(REST_TOKEN);
  if (value === undefined) return read.missing(REST_TOKEN, UPSTASH_PAGE);
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  read.refuse(REST_TOKEN, `must be visible ASCII characters without spaces. ${UPSTASH_PAGE}`);
  return "";
}

/** Undefined when no variable names it; an empty URL when that is a bad one. */
function readRedis(read: ConfigReader): { readonly variable: string; readonly url: string } | undefined {
  if (read.text("REDIS_URL") !== undefined) return { variable: "REDIS_URL", url: readRedisUrl(read) };
  if (read.text("REDIS_ADDR") !== undefined) return { variable: "REDIS_ADDR", url: readRedisAddress(read) };
  return undefined;
}

function readRedisUrl(read: ConfigReader): string {
  const value = read.text("REDIS_URL") ?? "";
  const url = parseUrlOf(value, ["redis:", "rediss:"]);
  if (url !== null && /^(\/\d*)?$/.test(url.pathname)) return value;
  const isHttp = parseUrlOf(value, ["http:", "https:"]) !== null;
  read.refuse(
    "REDIS_URL",
    `must look like ${REDIS_EXAMPLE}, or rediss:// for TLS, and may end in /<database number>.${
      isHttp ? ` An address with https:// goes into ${REST_URL}.` : ""
    }`,
  );
  return "";
}

function readRedisAddress(read: ConfigReader): string {
  const address = read.text("REDIS_ADDR") ?? "";
  const url = parseUrlOf(`redis://${address}`, ["redis:"]);
  if (url !== null && url.port !== "" && url.host === address.toLowerCase()) return url.href;
  read.refuse("REDIS_ADDR", "must be host:port, such as redis:6379. For anything more set REDIS_URL.");
  return "";
}
