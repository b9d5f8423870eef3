import type { IncomingHttpHeaders } from "node:http";
import { parseUrl } from "../../runtime/url.ts";
import { NeonRefusal } from "./neon-error.ts";
import type { Credentials, NeonStatement } from "./neon-sessions.ts";

/** A parsed request to `/sql`. */
export interface SqlRequest {
  readonly who: Credentials;
  /** The host of the connection string. It names the endpoint. */
  readonly host: string;
  readonly arrayMode: boolean;
  /** The statement that begins a list's transaction. Null for a single statement. */
  readonly begin: string | null;
  readonly statements: readonly NeonStatement[];
}

const ISOLATION_LEVELS: Readonly<Record<string, string>> = {
  ReadUncommitted: "read uncommitted",
  ReadCommitted: "read committed",
  RepeatableRead: "repeatable read",
  Serializable: "serializable",
};

/** @throws NeonRefusal with the message of Neon's proxy. */
export function readSqlRequest(headers: IncomingHttpHeaders, body: string): SqlRequest {
  const url = readConnectionString(headers["neon-connection-string"]);
  const begin = readBegin(headers);
  if (headers["neon-raw-text-output"] !== "true") {
    throw new NeonRefusal(400, "this emulator supports only raw text: set Neon-Raw-Text-Output: true");
  }
  const { statements, isList } = readPayload(body);
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decodeURIComponent);
  return {
    who: { user: user ?? "", password: password ?? "", database: database ?? "" },
    host: url.hostname,
    arrayMode: headers["neon-array-mode"] === "true",
    begin: isList ? begin : null,
    statements,
  };
}

function readConnectionString(header: string | string[] | undefined): URL {
  if (typeof header !== "string") throw new NeonRefusal(400, "invalid header: neon-connection-string");
  const url = parseUrl(header);
  if (url === null) throw new NeonRefusal(400, "invalid connection string: relative URL without a base");
  if (!["postgres:", "postgresql:"].includes(url.protocol)) throw new NeonRefusal(400, "incorrect scheme");
  if (url.pathname.length < 2) throw new NeonRefusal(400, "missing database name");
  if (url.username === "") throw new NeonRefusal(400, "missing username");
  if (url.password === "") throw new NeonRefusal(400, "missing authentication credentials: required password");
  return url;
}

function readBegin(headers: IncomingHttpHeaders): string {
  const level = headers["neon-batch-isolation-level"];
  const isolation = level === undefined ? "" : ISOLATION_LEVELS[String(level)];
  if (isolation === undefined) throw new NeonRefusal(400, "invalid isolation level");
  return [
    "begin",
    isolation && `isolation level ${isolation}`,
    headers["neon-batch-read-only"] === "true" ? "read only" : "",
    headers["neon-batch-deferrable"] === "true" ? "deferrable" : "",
  ].join(" ");
}

function readPayload(body: string): { readonly statements: NeonStatement[]; readonly isList: boolean } {
  const payload = parse(body) as { query?: unknown; params?: unknown; queries?: unknown };
  const isList = Array.isArray(payload.queries);
  const list = (isList ? payload.queries : [payload]) as { query?: unknown; params?: unknown }[];
  const statements = list.map(({ query, params = [] }) => {
    if (typeof query !== "string" || !Array.isArray(params)) throw unparsable("no variant of Payload fits");
    return { query, params: params.map(toText) };
  });
  return { statements, isList };
}

function parse(body: string): object {
  let payload: unknown;
  try {
    payload = JSON.parse(body, (_, value) => {
      // Neon's proxy is stricter than JavaScript here.
      if (typeof value === "string" && /\p{Surrogate}/u.test(value)) throw new Error("lone surrogate in hex escape");
      return value;
    });
  } catch (error) {
    throw unparsable(error instanceof Error ? error.message : String(error));
  }
  if (typeof payload !== "object" || payload === null) throw unparsable("no variant of Payload fits");
  return payload;
}

/** As in Neon's proxy: numbers and booleans become text, objects become JSON, arrays become Postgres arrays. */
function toText(value: unknown): string | null {
  if (value === null || typeof value === "string") return value;
  return Array.isArray(value) ? arrayText(value) : JSON.stringify(value);
}

function arrayText(values: readonly unknown[]): string {
  const elements = values.map((value) => {
    if (value === null) return "NULL";
    if (Array.isArray(value)) return arrayText(value);
    return JSON.stringify(typeof value === "object" ? JSON.stringify(value) : value);
  });
  return `{${elements.join(",")}}`;
}

function unparsable(why: string): NeonRefusal {
  return new NeonRefusal(400, `could not parse the HTTP request body: ${why}`);
}
