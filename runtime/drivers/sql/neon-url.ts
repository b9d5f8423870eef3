import { StillupError } from "../../errors.ts";
import { type PostgresTarget, parsePostgresUrl } from "./postgres-url.ts";

const POOLED = /^(ep-[^.]+?)-pooler\./i;
const VERIFIED = /^(require|verify-ca|verify-full)$/;

/** True for a host at Neon, such as `ep-cool-name-a1b2c3d4-pooler.c-2.eu-central-1.aws.neon.tech`. */
export function isNeonHost(host: string): boolean {
  return /\.neon\.(tech|build)$/i.test(host);
}

/**
 * Reads the URL of a database that is reached over HTTP, as Neon's console shows it. It ignores parameters other than
 * `sslmode`, such as `channel_binding`.
 * @throws StillupError `invalid_configuration` that names what is wrong, and never the password.
 */
export function parseNeonUrl(url: string): PostgresTarget {
  const target = parsePostgresUrl(url);
  const { pathname, searchParams } = new URL(url);
  if (pathname.length < 2) throw bad("names no database: it must end with /<database>");
  if (searchParams.get("sslmode") === "disable") {
    throw bad("has sslmode=disable, but Neon is reached only over TLS. Set sslmode=require");
  }
  return target;
}

/** True for the URL of a pooled host at Neon. */
export function isPooledUrl(url: string): boolean {
  const { hostname } = new URL(url);
  return isNeonHost(hostname) && POOLED.test(hostname);
}

/** The same URL for TCP, with TLS, which Neon requires. The URL of another host is returned as it is. */
export function overTls(url: string): string {
  const tls = new URL(url);
  if (!isNeonHost(tls.hostname) || VERIFIED.test(tls.searchParams.get("sslmode") ?? "")) return url;
  tls.searchParams.set("sslmode", "require");
  return tls.href;
}

/** The same database over TCP and without a pooler, for migrations. The URL of another host is returned as it is. */
export function directUrl(url: string): string {
  if (!isPooledUrl(url)) return overTls(url);
  const direct = new URL(url);
  direct.hostname = direct.hostname.replace(POOLED, "$1.");
  return overTls(direct.href);
}

function bad(what: string): StillupError {
  return new StillupError("invalid_configuration", `The database URL ${what}.`);
}
