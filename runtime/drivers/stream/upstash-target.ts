import { StillupError } from "../../errors.ts";
import { parseUrl } from "../../url.ts";
import { saysFull } from "./redis-entries.ts";

/** A database at Upstash, as its REST API is addressed. */
export interface UpstashTarget {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** For messages. */
  readonly name: string;
  /** A `stream_unavailable` whose message is the name and these words, without the token. */
  failure(what: string): StillupError;
  /** The error for a refusal, with what to do where that is known. */
  refusal(reason: string): StillupError;
}

/** @throws StillupError `invalid_configuration` when the URL is not a REST URL, or the token cannot be one. */
export function parseUpstashTarget({ url, token }: { url: string; token: string }): UpstashTarget {
  const parsed = parseUrl(url);
  const isBare = parsed !== null && `${parsed.username}${parsed.password}${parsed.search}${parsed.hash}` === "";
  if (!isBare || !/^https?:$/.test(parsed.protocol)) {
    throw new StillupError("invalid_configuration", "UPSTASH_REDIS_REST_URL must be https://host, and nothing more.");
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new StillupError(
      "invalid_configuration",
      "UPSTASH_REDIS_REST_TOKEN must be the REST token as the console shows it: visible ASCII, no spaces.",
    );
  }
  const name = `Upstash at ${parsed.host}`;
  const failure = (what: string) =>
    new StillupError("stream_unavailable", `${name} ${what}`.replaceAll(token, "[the token]"));
  return {
    url: parsed.href.replace(/\/+$/, ""),
    token,
    name,
    failure,
    refusal(reason) {
      const words = reason.slice(0, maxCharacters).replace(/\.$/, "");
      const remedy = remedies.find(([pattern]) => pattern.test(words))?.[1];
      const { message } = failure(`refused: ${words}.${remedy === undefined ? "" : ` ${remedy}`}`);
      return new StillupError(saysFull(words) ? "stream_full" : "stream_unavailable", message);
    },
  };
}

const maxCharacters = 300;

/** By the service's words: in a pipeline the status is 200 even for a command that exceeds the quota. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /^(WRONGPASS|NOAUTH)|unauthorized/i,
    "UPSTASH_REDIS_REST_TOKEN must be the REST token of this database, not its password.",
  ],
  [/^NOPERM/, "UPSTASH_REDIS_REST_TOKEN must be the standard token, not the read-only one."],
  [/requests? limit exceeded|quota exceeded/i, "Raise the plan or the budget of the database in Upstash's console."],
];
