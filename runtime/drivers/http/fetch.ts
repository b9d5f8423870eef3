import { Buffer } from "node:buffer";
import { driverCallsTotal, type Metrics } from "../../metrics.ts";
import { isAllowed } from "./address.ts";
import { HttpExchange } from "./call.ts";
import { codeOf, httpFailureOf, type Phase } from "./failure.ts";
import type { HopEnd } from "./hop.ts";
import type { HttpCall, HttpDriver, HttpFailure, NetworkPolicy, Phases } from "./http.ts";
import type { HopRequest } from "./redirect.ts";
import { roundMs } from "./round.ts";
import { createSemaphore } from "./semaphore.ts";

interface FetchHttpOptions {
  readonly policy: NetworkPolicy;
  /** Calls at once; those over it wait in order. */
  readonly concurrency: number;
  readonly metrics?: Metrics;
}

/**
 * The Http port where there are no sockets, on the host's own fetch. It sees neither names nor connections: of the phases
 * it tells the body's alone, and the policy holds for addresses that stand in a URL.
 */
export function createFetchHttp({ policy, concurrency, metrics }: FetchHttpOptions): HttpDriver {
  const turns = createSemaphore(concurrency);
  const calls = new Set<HttpExchange>();
  let closed = false;
  const startHop = ({ maxBodyBytes }: HttpCall, request: HopRequest, onEnd: (end: HopEnd) => void) => {
    metrics?.count(driverCallsTotal, { driver: "fetch", kind: "request" });
    const hop = new FetchHop({ request, policy, maxBodyBytes, onEnd });
    hop.start();
    return hop;
  };
  return {
    call: (request) =>
      new Promise((resolve) => {
        const call = new HttpExchange({
          request,
          turns,
          startHop: (hopRequest, onEnd) => startHop(request, hopRequest, onEnd),
          onEnd(answer) {
            calls.delete(call);
            resolve(answer);
          },
        });
        calls.add(call);
        if (closed) call.stop("aborted", "CLOSED");
        else call.start();
      }),
    async close() {
      closed = true;
      for (const call of calls) call.stop("aborted", "CLOSED");
    },
  };
}

interface FetchHopOptions {
  readonly request: HopRequest;
  readonly policy: NetworkPolicy;
  readonly maxBodyBytes: number;
  /** Called once. */
  onEnd(end: HopEnd): void;
}

const NAME = /^(?!\[)(?!\d+\.\d+\.\d+\.\d+$)/;
/** What fetch says of names and certificates, where it says anything. */
const nameCodes = new Set(["ENOTFOUND", "EAI_AGAIN", "ENODATA"]);
const certificateCode = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/;

/** One request and its answer. */
class FetchHop {
  readonly #options: FetchHopOptions;
  readonly #abort = new AbortController();
  #statusCode: number | null = null;
  #bodyBegan: number | undefined;
  #ended = false;

  constructor(options: FetchHopOptions) {
    this.#options = options;
  }

  start(): void {
    const { request, policy } = this.#options;
    const { hostname } = request.url;
    if (!NAME.test(hostname) && !isAllowed(hostname.replace(/^\[|\]$/g, ""), policy)) {
      this.fail("blocked", "FORBIDDEN_ADDRESS");
      return;
    }
    const sent = requestOf(request, this.#abort.signal);
    if (sent === null) this.fail("connect", "ERR_INVALID_REQUEST");
    else this.#run(sent).catch((error: unknown) => this.#failBy(error));
  }

  /** Ends the hop at once, whatever it is at. */
  fail(failure: HttpFailure, code: string): void {
    if (this.#ended) return;
    const phases = this.#phases();
    this.#end({ ok: false, failure, code, statusCode: this.#statusCode, phase: this.#phase(), phases });
    this.#abort.abort();
  }

  async #run(request: Request): Promise<void> {
    const response = await fetch(request);
    if (this.#ended) return;
    this.#statusCode = response.status;
    this.#bodyBegan = performance.now();
    const { text, truncated } = await readBody(response, this.#options.maxBodyBytes);
    if (this.#ended) return;
    const headers = joinHeaders(response.headers);
    this.#end({ ok: true, statusCode: response.status, headers, body: text, truncated, phases: this.#phases() });
  }

  #failBy(error: unknown): void {
    const { cause = error } = error as { cause?: unknown };
    const code = codeOf(cause);
    if (nameCodes.has(code)) this.fail("dns", code);
    else if (certificateCode.test(code)) this.fail("tls", code);
    else this.fail(httpFailureOf(code, this.#phase()), code);
  }

  #end(end: HopEnd): void {
    this.#ended = true;
    this.#options.onEnd(end);
  }

  #phase(): Phase {
    return this.#bodyBegan === undefined ? "firstByteMs" : "bodyMs";
  }

  #phases(): Phases {
    const bodyMs = this.#bodyBegan === undefined ? null : roundMs(performance.now() - this.#bodyBegan);
    return { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs };
  }
}

/** Null for what fetch refuses to send, or would send otherwise than it is told. */
function requestOf({ method, url, headers, body }: HopRequest, signal: AbortSignal): Request | null {
  const length = headers.get("content-length");
  if (length !== undefined && Number(length) !== Buffer.byteLength(body ?? "")) return null;
  try {
    return new Request(url, { method, headers: [...headers], body: body ?? null, redirect: "manual", signal });
  } catch {
    return null;
  }
}

/** Decoded as UTF-8; what is over `maxBytes` is not read. */
async function readBody({ body }: Response, maxBytes: number): Promise<{ text: string; truncated: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body?.getReader();
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size <= maxBytes) continue;
    void reader?.cancel().catch(() => {}); // the rest concerns nobody
    break;
  }
  const text = Buffer.concat(chunks, Math.min(size, maxBytes)).toString("utf8");
  return { text, truncated: size > maxBytes };
}

function joinHeaders(headers: Headers): Readonly<Record<string, string>> {
  const joined: Record<string, string> = Object.create(null); // a header may be called __proto__
  for (const [name, value] of headers) joined[name] = name in joined ? `${joined[name]}, ${value}` : value;
  return joined;
}
