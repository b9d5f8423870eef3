import { Buffer } from "node:buffer";
import { codeOf, httpFailureOf, type Phase } from "./failure.ts";
import type { HttpFailure, Phases } from "./http.ts";
import { type HopRequest, isRedirect } from "./redirect.ts";

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
      /** The phase in which it failed. */
      readonly phase: Phase;
      readonly phases: Phases;
    };

/**
 * How an adapter makes one hop. It begins at once, reports to `hop` what happens, and returns what frees the hop's
 * resources. That is called once, as soon as the hop has ended.
 */
export type StartHop = (hop: Hop) => () => void;

interface HopOptions {
  readonly request: HopRequest;
  readonly maxBodyBytes: number;
  /** A redirect ends the hop at its headers: nobody reads its body. */
  readonly followRedirects: boolean;
  /** Called once. */
  onEnd(end: HopEnd): void;
}

type HeaderEntries = Iterable<readonly [name: string, value: string | string[] | undefined]>;

/**
 * One request and its response: what every adapter has in common. The adapter reports in this order: `enter` for each
 * phase that it sees, `respond`, `write` for each piece of the body, `finish`. `fail` may come at any time.
 */
export class Hop {
  readonly request: HopRequest;
  readonly maxBodyBytes: number;
  readonly #options: HopOptions;
  readonly #phases: { -readonly [name in Phase]: number | null } = { ...noPhases };
  /** Until a phase is entered the hop waits for a response, and nothing is timed. */
  #phase: Phase = "firstByteMs";
  #phaseBegan: number | undefined;
  #statusCode: number | null = null;
  #headers: Readonly<Record<string, string>> = {};
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #free: (() => void) | undefined;
  #ended = false;

  constructor(options: HopOptions) {
    this.#options = options;
    this.request = options.request;
    this.maxBodyBytes = options.maxBodyBytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  start(startHop: StartHop): void {
    const free = startHop(this);
    if (this.#ended) free();
    else this.#free = free;
  }

  enter(phase: Phase): void {
    if (this.#ended || phase === this.#phase) return;
    this.#closePhase();
    this.#phase = phase;
    this.#phaseBegan = performance.now();
  }

  /** Takes status and headers. False: the hop has ended, and no body is wanted. */
  respond(statusCode: number, headers: HeaderEntries): boolean {
    if (this.#ended) return false;
    this.enter("bodyMs");
    this.#statusCode = statusCode;
    this.#headers = joinHeaders(headers);
    const hasBody = statusCode !== 204 && statusCode !== 304; // undici fails on a content-length of either
    const leaves = this.#options.followRedirects && isRedirect(statusCode, this.#headers["location"]);
    if (!hasBody || leaves) this.finish();
    return !this.#ended;
  }

  /** Takes a piece of the decoded body. False: the hop has ended, and no more is wanted. */
  write(chunk: Uint8Array): boolean {
    if (this.#ended) return false;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > this.maxBodyBytes) this.finish({ truncated: true });
    return !this.#ended;
  }

  /** The body ends here. `truncated`: there would be more of it. */
  finish({ truncated = false } = {}): void {
    if (this.#ended || this.#statusCode === null) return;
    const body = Buffer.concat(this.#chunks, Math.min(this.#size, this.maxBodyBytes)).toString("utf8");
    const [statusCode, headers, phases] = [this.#statusCode, this.#headers, this.#closePhase()];
    this.#end({ ok: true, statusCode, headers, body, truncated, phases });
  }

  /** Ends the hop at once, whatever it is doing. */
  fail(failure: HttpFailure, code: string): void {
    if (this.#ended) return;
    const phases = this.#closePhase();
    this.#end({ ok: false, failure, code, statusCode: this.#statusCode, phase: this.#phase, phases });
  }

  failBy(error: unknown): void {
    const code = codeOf(error);
    this.fail(httpFailureOf(code, this.#phase), code);
  }

  #end(end: HopEnd): void {
    this.#ended = true;
    this.#free?.();
    this.#options.onEnd(end);
  }

  #closePhase(): Phases {
    if (this.#phaseBegan !== undefined) this.#phases[this.#phase] = roundMs(performance.now() - this.#phaseBegan);
    return this.#phases;
  }
}

export const noPhases: Phases = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs: null };

/** Hundredths of a millisecond: more is noise, and it is stored with every check. */
export function roundMs(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

function joinHeaders(entries: HeaderEntries): Readonly<Record<string, string>> {
  const joined: Record<string, string> = Object.create(null); // a header may be called __proto__
  for (const [name, value = ""] of entries) {
    const text = Array.isArray(value) ? value.join(", ") : value;
    joined[name] = name in joined ? `${joined[name]}, ${text}` : text;
  }
  return joined;
}
