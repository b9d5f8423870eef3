import { setMaxListeners } from "node:events";
import { parseUrl } from "../../url.ts";
import { hostOf, isForbiddenLiteral } from "./address.ts";
import { describeFailure, type Phase } from "./failure.ts";
import { Hop, type HopEnd, noPhases, roundMs, type StartHop } from "./hop.ts";
import type { HttpAnswer, HttpCall, HttpFailure, NetworkPolicy, Phases } from "./http.ts";
import { type HopRequest, isRedirect, redirectedRequest, refusalOf } from "./redirect.ts";
import type { Semaphore } from "./semaphore.ts";

interface ExchangeOptions {
  readonly request: HttpCall;
  readonly policy: NetworkPolicy;
  readonly semaphore: Semaphore;
  readonly startHop: StartHop;
  /** Called once. */
  onEnd(answer: HttpAnswer): void;
}

/** What is known of a call that fails. What is left out was not seen. */
interface Seen {
  readonly statusCode?: number | null;
  readonly phase?: Phase;
  readonly phases?: Phases;
}

/**
 * A time-out that comes so late was held up with the whole process, by SIGSTOP or a machine that slept. The request may
 * have been held up as well, so nothing is known about the other side.
 */
const HELD_UP_MS = 1000;
/** For a response that came meanwhile and waits to be read. */
const CATCH_UP_MS = 50;

/** Many sites refuse clients that do not say what they are and what they accept. */
const defaultHeaders: readonly (readonly [string, string])[] = [
  ["user-agent", "Stillup"],
  ["accept", "*/*"],
];

/** One call: its wait for room, its time-out, its abort, and its hops from redirect to redirect. */
export class HttpExchange {
  readonly #options: ExchangeOptions;
  readonly #abort = () => this.stop("aborted", "ABORTED");
  #leave: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #beginBy = Number.POSITIVE_INFINITY;
  #began: number | undefined;
  #host = "the URL";
  #hop: Hop | undefined;
  #redirects = 0;
  #ended = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  start(): void {
    const { request, semaphore } = this.#options;
    const { beginWithinMs } = request;
    if (request.signal?.aborted === true) {
      this.#abort();
      return;
    }
    if (beginWithinMs !== undefined) this.#beginBy = performance.now() + beginWithinMs;
    if (performance.now() >= this.#beginBy) {
      this.stop("aborted", "TOO_LATE");
      return;
    }
    if (request.signal !== undefined) {
      setMaxListeners(0, request.signal); // a batch shares one signal, and Node 20 warns of the eleventh listener
      request.signal.addEventListener("abort", this.#abort);
    }
    if (request.atOnce) this.#begin();
    else this.#leave = semaphore.acquire(() => this.#begin());
    if (this.#began === undefined && beginWithinMs !== undefined) {
      this.#timer = setTimeout(() => this.stop("aborted", "TOO_LATE"), beginWithinMs);
    }
  }

  /** Ends the call, whether it waits or runs. */
  stop(failure: HttpFailure, code: string): void {
    if (this.#hop === undefined) this.#fail(failure, code);
    else this.#hop.fail(failure, code);
  }

  #begin(): void {
    const { request } = this.#options;
    // When the whole process is late, the timer that ends the wait comes after this.
    if (performance.now() >= this.#beginBy) this.stop("aborted", "TOO_LATE");
    if (this.#ended) {
      this.#release();
      return;
    }
    this.#began = performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onTimer(this.#totalMs() - request.timeoutMs), request.timeoutMs);
    const url = parseUrl(request.url);
    if (url === null) {
      this.#fail("connect", "ERR_INVALID_URL");
      return;
    }
    const headers = new Map(defaultHeaders);
    for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name.toLowerCase(), value);
    this.#go({ method: request.method, url, headers, body: request.body });
  }

  #onTimer(lateMs: number): void {
    if (lateMs < HELD_UP_MS) this.stop("timeout", "TIMEOUT");
    else this.#timer = setTimeout(() => this.stop("aborted", "HELD_UP"), CATCH_UP_MS);
  }

  #go(request: HopRequest, seen?: Seen): void {
    const { policy, startHop, request: call } = this.#options;
    const refusal = refusalOf(request.url);
    if (refusal !== null) {
      this.#fail("blocked", refusal, seen);
      return;
    }
    this.#host = request.url.host;
    if (isForbiddenLiteral(hostOf(request.url), policy)) {
      this.#fail("blocked", "FORBIDDEN_ADDRESS");
      return;
    }
    this.#hop = new Hop({
      request,
      maxBodyBytes: call.maxBodyBytes,
      followRedirects: call.maxRedirects > 0,
      onEnd: (end) => this.#onHopEnd(request, end),
    });
    this.#hop.start(startHop);
  }

  #onHopEnd(request: HopRequest, end: HopEnd): void {
    if (!end.ok) {
      this.#fail(end.failure, end.code, end);
      return;
    }
    const { maxRedirects } = this.#options.request;
    const location = end.headers["location"];
    if (maxRedirects === 0 || !isRedirect(end.statusCode, location)) {
      this.#succeed(end);
      return;
    }
    if (this.#redirects === maxRedirects) {
      this.#fail("redirects", "TOO_MANY_REDIRECTS", end);
      return;
    }
    const next = redirectedRequest(request, end.statusCode, utf8(location));
    if (next === null) {
      this.#fail("redirects", "INVALID_REDIRECT", end);
      return;
    }
    this.#redirects++;
    this.#go(next, end);
  }

  #succeed({ statusCode, headers, body, truncated, phases }: HopEnd & { ok: true }): void {
    this.#end({ ok: true, statusCode, headers, body, truncated, totalMs: this.#totalMs(), phases });
  }

  #fail(failure: HttpFailure, code: string, seen: Seen = {}): void {
    const { timeoutMs, maxRedirects } = this.#options.request;
    const { statusCode = null, phase = "connectMs", phases = noPhases } = seen;
    const detail = describeFailure({ failure, code, phase, host: this.#host, timeoutMs, maxRedirects });
    this.#end({ ok: false, failure, code, detail, statusCode, totalMs: this.#totalMs(), phases });
  }

  #end(answer: HttpAnswer): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.request.signal?.removeEventListener("abort", this.#abort);
    if (this.#began === undefined) this.#leave?.();
    else this.#release();
    this.#options.onEnd(answer);
  }

  #release(): void {
    if (!this.#options.request.atOnce) this.#options.semaphore.release();
  }

  #totalMs(): number {
    return this.#began === undefined ? 0 : roundMs(performance.now() - this.#began);
  }
}

/** Header values are read as Latin-1; browsers read a Location as UTF-8. */
function utf8(value: string): string {
  return Buffer.from(value, "latin1").toString("utf8");
}
