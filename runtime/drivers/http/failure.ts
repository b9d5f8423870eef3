import type { HttpFailure, Phases } from "./http.ts";

/** A phase of a hop. */
export type Phase = keyof Phases;

/** Codes of the network itself. They mean the same while connecting, in the TLS handshake and after it. */
const networkCodes = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]);
/** TLS errors of OpenSSL and Node after the handshake: TLS 1.3 refuses a client as late as that. */
const tlsCode = /^(EPROTO$|ERR_SSL_|ERR_TLS_)/;
/** The request itself cannot be sent. */
const unsendableCode = /^(ERR_INVALID_|UND_ERR_INVALID_ARG$|UND_ERR_NOT_SUPPORTED$|UND_ERR_REQ_)/;

/**
 * The kind of failure that an error code stands for. The same code means different things in different phases:
 * ECONNREFUSED of a name server is `dns`. In the TLS phase everything is `tls` but the network's own codes.
 */
export function httpFailureOf(code: string, phase: Phase): HttpFailure {
  if (unsendableCode.test(code)) return "connect";
  if (phase === "dnsMs") return "dns";
  if (phase === "bodyMs") return "body";
  if (phase === "tlsMs") return networkCodes.has(code) ? "connect" : "tls";
  return tlsCode.test(code) ? "tls" : "connect";
}

/** The code of an error. Of several attempts to connect, the first code that says more than "no route". */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) {
    const codes = error.errors.map(codeOf);
    return codes.find((code) => code !== "ENETUNREACH" && code !== "EHOSTUNREACH") ?? codes[0] ?? "UNKNOWN";
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code === "string") return code;
  // undici 7 gives its parser's errors a name, but no code.
  return error instanceof Error && error.name === "HTTPParserError" ? "HPE_INVALID" : "UNKNOWN";
}

interface FailureContext {
  readonly failure: HttpFailure;
  readonly code: string;
  readonly phase: Phase;
  /** With the port where it is not the scheme's default. */
  readonly host: string;
  readonly timeoutMs: number;
  readonly maxRedirects: number;
}

/** One plain sentence: what happened, with which host. It is made only from the code and the host. */
export function describeFailure(about: FailureContext): string {
  const { failure, code, host } = about;
  if (unsendableCode.test(code))
    return `The request to ${host} cannot be sent: its URL, method or a header is not valid.`;
  switch (failure) {
    case "dns":
      return notFoundCodes.has(code) ? `The name ${host} was not found.` : `The name ${host} could not be looked up.`;
    case "connect":
      return describeConnect(code, host);
    case "tls":
      return describeTls(code, host);
    case "timeout":
      return describeTimeout(about);
    case "body":
      return decodeCode.test(code) ? `${host} sent a body that cannot be decoded.` : `${host} broke off its answer.`;
    case "blocked":
      return describeBlocked(code, host);
    case "redirects":
      return code === "INVALID_REDIRECT"
        ? `${host} redirects to something that is not a URL.`
        : `${host} redirects once more after ${about.maxRedirects} redirects.`;
    case "aborted":
      return `The request to ${host} was given up.`;
  }
}

const notFoundCodes = new Set(["ENOTFOUND", "ENODATA"]);
const decodeCode = /^(Z_|ERR__ERROR_|ERR_BROTLI_)/;

function describeConnect(code: string, host: string): string {
  if (code === "ECONNREFUSED") return `${host} refused the connection.`;
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return `There is no route to ${host}.`;
  if (code === "UND_ERR_HEADERS_OVERFLOW") return `${host} answered with too many or too long headers.`;
  if (code.startsWith("HPE_") || code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH")
    return `${host} answered with something that is not HTTP.`;
  if (resetCodes.has(code)) return `${host} closed the connection before it answered.`;
  return `No connection to ${host} could be made.`;
}

const resetCodes = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

function describeTls(code: string, host: string): string {
  if (code === "CERT_HAS_EXPIRED") return `The certificate of ${host} has expired.`;
  if (code === "CERT_NOT_YET_VALID") return `The certificate of ${host} is not valid yet.`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `The certificate of ${host} is for another name.`;
  if (/^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_)/.test(code)) return `The certificate of ${host} is not trusted.`;
  return `No TLS connection to ${host} could be made.`;
}

function describeTimeout({ phase, host, timeoutMs }: FailureContext): string {
  switch (phase) {
    case "dnsMs":
      return `The name ${host} was not looked up within ${timeoutMs} ms.`;
    case "connectMs":
    case "tlsMs":
      return `There was no connection to ${host} within ${timeoutMs} ms.`;
    case "firstByteMs":
      return `${host} did not answer within ${timeoutMs} ms.`;
    case "bodyMs":
      return `${host} did not finish its answer within ${timeoutMs} ms.`;
  }
}

function describeBlocked(code: string, host: string): string {
  if (code === "FORBIDDEN_SCHEME") return `${host} leads to a URL that is neither http nor https.`;
  if (code === "FORBIDDEN_CREDENTIALS") return `${host} leads to a URL with a user name or password.`;
  return `${host} has an address that the network policy forbids.`;
}
