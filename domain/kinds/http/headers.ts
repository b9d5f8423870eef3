import * as z from "zod/mini";
import { refuse } from "../../shared/fields.ts";

const MAX_HEADERS = 50;
const MAX_CHARACTERS = 16_384; // what Node's own server takes
/** What the connection decides: a probe that set them would speak broken HTTP, or to another host than its URL names. */
const FORBIDDEN = [
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
const message = `must be an object of at most ${MAX_HEADERS} headers, name to value`;

/** Request headers, as HTTP allows them (RFC 9110, 5). */
export const Headers = z.record(z.string(), z.string("must be text"), message).check((payload) => {
  const headers = payload.value;
  const names = Object.keys(headers);
  if (names.length > MAX_HEADERS) return refuse(payload, message);
  if (JSON.stringify(headers).length > MAX_CHARACTERS) {
    return refuse(payload, `must be at most ${MAX_CHARACTERS} characters together`);
  }
  const seen = new Set<string>();
  for (const name of names) {
    const problem = headerProblem(name, headers[name] ?? "");
    if (problem !== null) refuse(payload, problem, [name]);
    if (seen.has(name.toLowerCase())) refuse(payload, "is repeated; header names are case-insensitive", [name]);
    seen.add(name.toLowerCase());
  }
});

function headerProblem(name: string, value: string): string | null {
  if (!/^[\w!#$%&'*+.^`|~-]{1,200}$/.test(name)) return "is not a valid header name";
  if (FORBIDDEN.includes(name.toLowerCase())) return "is set by the connection; remove it";
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return "must contain only printable Latin-1 characters and tabs";
  return null;
}
