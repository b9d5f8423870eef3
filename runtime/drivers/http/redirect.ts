import { parseUrl } from "../../url.ts";

/** What is sent in one hop of a call. */
export interface HopRequest {
  readonly method: string;
  readonly url: URL;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string | undefined;
}

/** Why a URL is not requested. */
type RedirectRefusal = "FORBIDDEN_SCHEME" | "FORBIDDEN_CREDENTIALS";

const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** Headers that describe a body. They are not sent without it. */
const bodyHeaders = ["content-encoding", "content-language", "content-length", "content-location", "content-type"];
/** Headers that another origin may see. Any other, such as x-api-key, may be a secret that was meant for the first. */
const harmlessHeaders = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "pragma",
  "user-agent",
  ...bodyHeaders,
]);

/** True for a response that redirects. */
export function isRedirect(statusCode: number, location: string | undefined): location is string {
  return location !== undefined && redirectStatuses.has(statusCode);
}

/** Why this URL is not requested; null when it may be, as far as scheme and credentials decide. */
export function refusalOf(url: URL): RedirectRefusal | null {
  if (url.protocol !== "http:" && url.protocol !== "https:") return "FORBIDDEN_SCHEME";
  return url.username === "" && url.password === "" ? null : "FORBIDDEN_CREDENTIALS";
}

/**
 * The request that follows a redirect, by the Fetch standard (HTTP-redirect fetch): 303, and 301 and 302 to a POST,
 * lead to a GET without a body. It is stricter in one point: another origin gets only harmless headers. Null when
 * `location` is not a URL.
 */
export function redirectedRequest(request: HopRequest, statusCode: number, location: string): HopRequest | null {
  const url = parseUrl(location, request.url);
  if (url === null) return null;
  const isElsewhere = url.origin !== request.url.origin;
  const headers = new Map([...request.headers].filter(([name]) => !isElsewhere || harmlessHeaders.has(name)));
  if (!becomesGet(request.method, statusCode)) return { ...request, url, headers };
  for (const name of bodyHeaders) headers.delete(name);
  return { method: "GET", url, headers, body: undefined };
}

function becomesGet(method: string, statusCode: number): boolean {
  if (statusCode === 303) return method !== "GET" && method !== "HEAD";
  return (statusCode === 301 || statusCode === 302) && method === "POST";
}
