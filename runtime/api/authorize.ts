import { createHash, timingSafeEqual } from "node:crypto";
import { StillupError } from "../errors.ts";

/** Lets a request pass that carries the key. Throws StillupError `unauthorized`. */
export function authorize(request: Request, key: string): void {
  const header = request.headers.get("authorization");
  if (header === null) throw unauthorized("The request has no API key.");
  const given = /^Bearer +([^\s]+)$/i.exec(header)?.[1];
  if (given === undefined) throw unauthorized("The authorization header is not of the form 'Bearer <key>'.");
  if (!timingSafeEqual(digest(given), digest(key))) throw unauthorized("The API key is wrong.");
}

/** Digests are of one length, and how long it takes to compare them says nothing of the key. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function unauthorized(what: string): StillupError {
  return new StillupError("unauthorized", `${what} Send it as "Authorization: Bearer <key>".`, {
    headers: { "www-authenticate": 'Bearer realm="stillup"' },
  });
}
