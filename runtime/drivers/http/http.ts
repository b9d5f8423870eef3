/** Where outgoing requests may go. `public`: only public addresses. `private`: private and loopback addresses, too. */
export type NetworkPolicy = "public" | "private";

/** One outgoing request. */
export interface HttpCall {
  readonly method: string;
  /** http or https. Anything else, and a user name or password in it, is `blocked`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the name's lookup to the last byte of the body, redirects included. It starts when the call begins. */
  readonly timeoutMs: number;
  /**
   * 0: a redirect is itself the response. Each hop is checked against the policy. Another origin gets only headers that
   * contain no secrets.
   */
  readonly maxRedirects: number;
  /** Decoded bytes of the body that are kept. Reading stops there, and `truncated` is set. */
  readonly maxBodyBytes: number;
  readonly signal?: AbortSignal;
  /** How long it may wait for others to end. A call that has not begun by then never does, and ends as `aborted`. */
  readonly beginWithinMs?: number;
  /** True: it does not wait, and does not count. Only for the few calls that many others depend on. */
  readonly atOnce?: boolean;
}

/** Milliseconds of each phase of the last hop; null for one that was not reached, does not apply or is not seen. */
export interface Phases {
  readonly dnsMs: number | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly firstByteMs: number | null;
  readonly bodyMs: number | null;
}

/**
 * What went wrong, by error codes and never by messages. `dns`: the name is unknown, or no name server answers.
 * `connect`: refused, unreachable, reset before a response, or a request that cannot be sent. `tls`: handshake or
 * certificate. `timeout`: over `timeoutMs`. `body`: broken off in the body, or not decodable. `blocked`: a URL or an
 * address that is forbidden. `redirects`: more than `maxRedirects`, or one to no URL. `aborted`: `signal` aborted,
 * `beginWithinMs` was over, the driver was closed, or this process stood still for a second or more.
 */
export type HttpFailure = "dns" | "connect" | "tls" | "timeout" | "body" | "blocked" | "redirects" | "aborted";

/** How a call ended: with a response, or with a failure as a value. */
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
      /** One plain sentence for a person: what happened, with which host. It contains no header and no query. */
      readonly detail: string;
      /** As far as it got; null before there was a status. */
      readonly statusCode: number | null;
      readonly totalMs: number;
      readonly phases: Phases;
    };

/**
 * The outgoing Http port. `call` never throws for what the other side does. Whoever creates the adapter limits the
 * calls at once; those over the limit wait in order. Where there are sockets, each hop has a connection of its own.
 */
export interface Http {
  call(request: HttpCall): Promise<HttpAnswer>;
}

/** An Http that its creator must close: calls under way end as `aborted`, later ones too. */
export interface HttpDriver extends Http {
  close(): Promise<void>;
}
