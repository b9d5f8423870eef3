/** Where outgoing requests may go. `public`: public addresses alone. `private`: those and private and loopback ones. */
export type NetworkPolicy = "public" | "private";

/** One outgoing request: a probe's or a webhook's. */
export interface HttpCall {
  readonly method: string;
  /** http or https. Credentials in it are refused before it gets here. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For everything together: waiting for a name, connecting, redirects, the last byte of the body. */
  readonly timeoutMs: number;
  /** 0: a redirect is the answer. Each hop is checked against the policy. Another origin is not sent `authorization` or `cookie`. */
  readonly maxRedirects: number;
  /** Decoded bytes of the body that are kept; reading stops there, and `truncated` is set. */
  readonly maxBodyBytes: number;
  readonly signal?: AbortSignal;
  /** How soon its turn must come; one that has not begun by then never does, and ends as `aborted`. */
  readonly beginWithinMs?: number;
  /** Waits for no turn: for the few that others wait for. */
  readonly atOnce?: boolean;
}

/** Milliseconds each phase of the last hop took; null for a phase that was not reached or does not apply. */
export interface Phases {
  readonly dnsMs: number | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly firstByteMs: number | null;
  readonly bodyMs: number | null;
}

/**
 * What went wrong, from error codes and never from messages: name not found or resolver away; refused, unreachable or
 * reset before an answer; TLS or certificate; over `timeoutMs`; broken off in the body; an address the policy forbids;
 * more than `maxRedirects` redirects; `signal` aborted, or this process stood still for a second and more.
 */
export type HttpFailure = "dns" | "connect" | "tls" | "timeout" | "body" | "blocked" | "redirects" | "aborted";

/** An answer, or a failure as a value: `call` never throws for what the other side does. */
export type HttpAnswer =
  | {
      readonly ok: true;
      readonly statusCode: number;
      /** Lower-case names; several values of one name joined by ", ". */
      readonly headers: Readonly<Record<string, string>>;
      /** Decoded as UTF-8, at most `maxBodyBytes` of it. */
      readonly body: string;
      readonly truncated: boolean;
      readonly totalMs: number;
      readonly phases: Phases;
    }
  | {
      readonly ok: false;
      readonly failure: HttpFailure;
      /** The code behind it, such as ECONNREFUSED, ENOTFOUND or CERT_HAS_EXPIRED. */
      readonly code: string;
      /** One plain sentence for a person: what happened, to which host. Holds no header and no query. */
      readonly detail: string;
      /** Status and phases as far as it got. */
      readonly statusCode: number | null;
      readonly totalMs: number;
      readonly phases: Phases;
    };

/** The outgoing Http port. The number of calls at once is bounded by who makes the binding; a call over it waits its turn, and the time-out starts with its turn. */
export interface Http {
  call(request: HttpCall): Promise<HttpAnswer>;
}

/** An Http that its maker must close. */
export interface HttpDriver extends Http {
  close(): Promise<void>;
}
