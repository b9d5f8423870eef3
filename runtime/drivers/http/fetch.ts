import { Buffer } from "node:buffer";
import { createHttp, type HttpOptions } from "./create-http.ts";
import { codeOf } from "./failure.ts";
import type { Hop } from "./hop.ts";
import type { HttpDriver } from "./http.ts";
import type { HopRequest } from "./redirect.ts";

/**
 * The Http port on the host's own fetch, where there are no sockets. It sees neither names nor connections: it times
 * only the body's phase, and the policy holds only for addresses that are written in a URL.
 */
export function createFetchHttp(options: HttpOptions): HttpDriver {
  return createHttp({ ...options, driver: "fetch", startHop });
}

function startHop(hop: Hop): () => void {
  const abort = new AbortController();
  const request = requestOf(hop.request, abort.signal);
  if (request === null) hop.fail("connect", "ERR_INVALID_REQUEST");
  else run(hop, request).catch((error: unknown) => failBy(hop, error));
  return () => abort.abort();
}

async function run(hop: Hop, request: Request): Promise<void> {
  const response = await fetch(request);
  if (!hop.respond(response.status, response.headers)) return;
  for await (const chunk of response.body ?? []) {
    if (!hop.write(chunk)) return;
  }
  hop.finish();
}

/** What fetch says about names and certificates, where it says anything. */
const nameCodes = new Set(["ENOTFOUND", "EAI_AGAIN", "ENODATA"]);
const certificateCode = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/;

function failBy(hop: Hop, error: unknown): void {
  const { cause = error } = error as { cause?: unknown };
  const code = codeOf(cause);
  if (nameCodes.has(code)) hop.fail("dns", code);
  else if (certificateCode.test(code)) hop.fail("tls", code);
  else hop.failBy(cause);
}

/** Null for what fetch refuses to send, or would send differently. */
function requestOf({ method, url, headers, body }: HopRequest, signal: AbortSignal): Request | null {
  const length = headers.get("content-length");
  if (length !== undefined && Number(length) !== Buffer.byteLength(body ?? "")) return null;
  try {
    return new Request(url, { method, headers: [...headers], body: body ?? null, redirect: "manual", signal });
  } catch {
    return null;
  }
}
