import { StillupError } from "../../errors.ts";
import { parseUrl } from "../../url.ts";

/** The address of a Postgres database, and how to log in. */
export interface PostgresTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** True: encrypted, and the certificate must be for the host. */
  readonly tls: boolean;
}

const VERIFIED = ["require", "verify-ca", "verify-full"];
const PLAIN = ["disable", "allow", "prefer"];

/**
 * Reads `postgres://user:password@host:port/database?sslmode=require`. It ignores all parameters but `sslmode`.
 * @throws StillupError `invalid_configuration` that names what is wrong, and never the password.
 */
export function parsePostgresUrl(url: string): PostgresTarget {
  const parsed = parseUrl(url);
  if (parsed === null) throw bad("is not a URL; a password's special characters must be percent-encoded");
  if (!["postgres:", "postgresql:"].includes(parsed.protocol)) throw bad("must start with postgres://");
  const user = decode(parsed.username, "user name");
  if (parsed.hostname === "" || user === "") throw bad("must contain a host and a user name");
  const sslMode = parsed.searchParams.get("sslmode") ?? "prefer";
  if (!VERIFIED.includes(sslMode) && !PLAIN.includes(sslMode)) {
    throw bad(`has an sslmode that is none of ${[...PLAIN, ...VERIFIED].join(", ")}`);
  }
  return {
    host: decode(parsed.hostname, "host").replace(/^\[|\]$/g, ""),
    port: Number(parsed.port || 5432),
    user,
    password: decode(parsed.password, "password"),
    database: decode(parsed.pathname.slice(1), "database name") || user,
    tls: VERIFIED.includes(sslMode),
  };
}

/** The database's name in messages. */
export function placeOf(target: PostgresTarget): string {
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  return `${host}:${target.port}/${target.database}`;
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad(`has a ${what} whose % is not percent-encoded (%25)`);
  }
}

function bad(what: string): StillupError {
  return new StillupError("invalid_configuration", `The database URL ${what}.`);
}
