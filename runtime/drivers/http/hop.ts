import { isIP, type Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { isAllowed } from "./address.ts";
import { type Body, createBody } from "./body.ts";
import { hostnameOf, openSocket } from "./connect.ts";
import { codeOf, httpFailureOf, type Phase } from "./failure.ts";
import type { HttpFailure, NetworkPolicy, Phases } from "./http.ts";
import { type HopRequest, isRedirect } from "./redirect.ts";
import { roundMs } from "./round.ts";
import { skipContinue } from "./skip-continue.ts";

/** How one hop ended. */
export type HopEnd =
  | {
      readonly ok: true;
      readonly statusCode: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly truncated: boolean;
      readonly phases: Phases;
    }
  | {
      readonly ok: false;
      readonly failure: HttpFailure;
      readonly code: string;
      readonly statusCode: number | null;
      /** The phase it happened in. */
      readonly phase: Phase;
      readonly phases: Phases;
    };

interface HopOptions {
  readonly request: HopRequest;
  readonly policy: NetworkPolicy;
  readonly secureContext: SecureContext;
  readonly maxBodyBytes: number;
  /** A redirect ends the hop at its headers: nobody reads its body. */
  readonly followRedirects: boolean;
  lookup(hostname: string): Promise<readonly string[]>;
  /** Notified of every socket that is opened. */
  onSocket(socket: Socket): void;
  /** Called once. */
  onEnd(end: HopEnd): void;
}

/** What carries a hop: one HTTP client, free for the next hop after `release`, of no use after `discard`. */
export interface Carrier {
  /** Sends the hop's request over the socket that its `connect` gives, and tells it of the answer. */
  send(hop: Hop): void;
  release(): void;
  discard(): void;
}

type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;
type SocketCallback = (...result: [null, Socket] | [Error, null]) => void;

/**
 * undici ends a socket by an error of this code; made anew for each, its stack was an eighth of a plain HTTP check's
 * CPU (7,600 against 6,700 checks a CPU-second).
 */
const socketIsDone = Object.assign(new Error("The answer is complete"), { code: "UND_ERR_INFO" });

/** One request and its answer over a socket of its own: the handler that undici's client dispatches to. */
export class Hop {
  readonly request: HopRequest;
  readonly #options: HopOptions;
  readonly #phases: { -readonly [name in Phase]: number | null };
  #phase: Phase;
  #phaseBegan = performance.now();
  #carrier: Carrier | undefined;
  #socket: Socket | undefined;
  #statusCode: number | null = null;
  #headers: ResponseHeaders = {};
  #body: Body | undefined;
  #ready = false;
  #answered = false;
  #ended = false;

  constructor(options: HopOptions) {
    this.#options = options;
    this.request = options.request;
    this.#phases = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs: null };
    this.#phase = isIP(hostnameOf(options.request.url)) === 0 ? "dnsMs" : "connectMs";
  }

  /** Ends the hop at once, whatever it is at. */
  fail(failure: HttpFailure, code: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#body?.destroy();
    this.#letGo();
    const phases = this.#closePhase();
    this.#options.onEnd({ ok: false, failure, code, statusCode: this.#statusCode, phase: this.#phase, phases });
  }

  start(carrier: Carrier): void {
    this.#carrier = carrier;
    if (this.request.method === "CONNECT") {
      this.fail("connect", "ERR_INVALID_METHOD"); // would open a tunnel
      return;
    }
    carrier.send(this);
  }

  connect(callback: SocketCallback): void {
    const hostname = hostnameOf(this.request.url);
    if (isIP(hostname) !== 0) {
      this.#open([hostname], callback);
      return;
    }
    this.#options
      .lookup(hostname)
      .then((addresses) => {
        if (this.#ended) return;
        this.#enter("connectMs");
        this.#open(addresses, callback);
      })
      .catch((error: unknown) => this.#failBy(error));
  }

  /** A forbidden address among allowed ones is left out: what is connected to is one of those checked here. */
  #open(addresses: readonly string[], callback: SocketCallback): void {
    const { policy, secureContext, onSocket } = this.#options;
    const allowed = addresses.filter((address) => isAllowed(address, policy));
    if (allowed.length === 0) {
      this.fail("blocked", "FORBIDDEN_ADDRESS");
      return;
    }
    const { url } = this.request;
    this.#socket = openSocket({
      url,
      addresses: allowed,
      secureContext,
      onConnect: (socket) => {
        const { remoteAddress } = socket;
        if (remoteAddress === undefined)
          this.fail("connect", "ECONNRESET"); // already gone again
        else if (!isAllowed(remoteAddress, policy)) this.fail("blocked", "FORBIDDEN_ADDRESS");
        this.#enter(url.protocol === "https:" ? "tlsMs" : "firstByteMs");
      },
      onReady: (socket) => {
        if (this.#ended) return;
        this.#enter("firstByteMs");
        this.#ready = true;
        skipContinue(socket);
        callback(null, socket);
      },
      onError: (error) => {
        // From then on undici tells, which may still have an answer; but it waits for the socket's close, and after the
        // handshake a TLS error alone does not bring that about.
        if (this.#ready) this.#socket?.destroy();
        else this.#failBy(error);
      },
    });
    onSocket(this.#socket);
  }

  onRequestStart(): void {}

  onResponseStart(controller: { pause(): void; resume(): void }, statusCode: number, headers: ResponseHeaders): void {
    if (statusCode < 200 || this.#ended) return;
    this.#enter("bodyMs");
    this.#statusCode = statusCode;
    this.#headers = headers;
    const hasBody = statusCode !== 204 && statusCode !== 304; // undici fails on a content-length of either
    const leaves = this.#options.followRedirects && isRedirect(statusCode, first(headers["location"]));
    if (!hasBody || leaves) {
      this.#finish("", false);
      return;
    }
    this.#body = createBody({
      encoding: first(headers["content-encoding"]),
      maxBytes: this.#options.maxBodyBytes,
      onEnd: (text, truncated) => this.#finish(text, truncated),
      onError: (error) => this.#failBy(error),
      onDrain: () => controller.resume(),
    });
  }

  onResponseData(controller: { pause(): void }, chunk: Buffer): void {
    if (this.#ended || this.#body?.write(chunk) !== true) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#ended) return;
    this.#answered = true;
    this.#socket?.destroy(socketIsDone);
    this.#carrier?.release();
    this.#body?.end();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#failBy(error);
  }

  #failBy(error: unknown): void {
    const code = codeOf(error);
    this.fail(httpFailureOf(code, this.#phase), code);
  }

  #finish(body: string, truncated: boolean): void {
    if (this.#ended || this.#statusCode === null) return;
    this.#ended = true;
    this.#letGo();
    const headers = joinHeaders(this.#headers);
    this.#options.onEnd({
      ok: true,
      statusCode: this.#statusCode,
      headers,
      body,
      truncated,
      phases: this.#closePhase(),
    });
  }

  /** After a whole answer there is nothing left to let go. */
  #letGo(): void {
    if (this.#answered) return;
    this.#carrier?.discard();
    this.#socket?.destroy();
  }

  #enter(phase: Phase): void {
    if (this.#ended || phase === this.#phase) return;
    this.#closePhase();
    this.#phase = phase;
    this.#phaseBegan = performance.now();
  }

  #closePhase(): Phases {
    this.#phases[this.#phase] = roundMs(performance.now() - this.#phaseBegan);
    return this.#phases;
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function joinHeaders(headers: ResponseHeaders): Readonly<Record<string, string>> {
  const joined: Record<string, string> = Object.create(null); // a header may be called __proto__
  for (const [name, value] of Object.entries(headers))
    joined[name] = Array.isArray(value) ? value.join(", ") : (value ?? "");
  return joined;
}
