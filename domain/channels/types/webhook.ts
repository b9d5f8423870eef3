import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { Http, HttpAnswer } from "../../../runtime/drivers/http/http.ts";

/** How a try went. */
export interface SendOutcome {
  readonly delivered: boolean;
  readonly statusCode: number | null;
  readonly durationMs: number;
  /** One sentence; null when delivered. */
  readonly error: string | null;
  /** What the receiver asked for with `Retry-After`. */
  readonly retryAfterMs: number | null;
  /** The receiver said that it will never take anything again (410). */
  readonly gone: boolean;
  /** This side broke it off, because the process is to stop, or never began it: nothing is known of the receiver. */
  readonly brokenOff: boolean;
}

interface WebhookMessage {
  /** The same on every try: receivers drop an id that they know. */
  readonly id: string;
  readonly type: string;
  /** When the event happened, ISO 8601. */
  readonly timestamp: string;
  readonly data: unknown;
}

export interface WebhookConfig {
  readonly url: string;
  /** `whsec_` and base64. */
  readonly secret: string;
}

export interface SendTerms {
  readonly signal: AbortSignal;
  /** Where it has not begun so soon, it is broken off. */
  readonly beginWithinMs?: number;
}

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 16 * 1024;

/**
 * Sends one webhook, signed as Standard Webhooks 1.0.0 says: https://github.com/standard-webhooks/standard-webhooks.
 * A redirect is a failure: the signature is for the URL that was configured.
 */
export async function sendWebhook(
  http: Http,
  config: WebhookConfig,
  message: WebhookMessage,
  terms: SendTerms,
): Promise<SendOutcome> {
  const body = JSON.stringify({
    id: message.id,
    type: message.type,
    timestamp: message.timestamp,
    data: message.data,
  });
  const sentAt = Math.floor(Date.now() / 1000).toString();
  const answer = await http.call({
    method: "POST",
    url: config.url,
    headers: {
      "content-type": "application/json",
      "user-agent": "Stillup",
      "webhook-id": message.id,
      "webhook-timestamp": sentAt,
      "webhook-signature": sign(config.secret, `${message.id}.${sentAt}.${body}`),
    },
    body,
    timeoutMs: TIMEOUT_MS,
    maxRedirects: 0,
    maxBodyBytes: MAX_ANSWER_BYTES,
    ...terms,
  });
  return outcome(answer);
}

/** `v1,` and the base64 of the HMAC-SHA256 over `text`. */
export function sign(secret: string, text: string): string {
  // Not by crypto.subtle: its two waits for the thread pool took 0.24 ms, this takes 0.03.
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  return `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}

function outcome(answer: HttpAnswer): SendOutcome {
  const { statusCode, totalMs: durationMs } = answer;
  if (!answer.ok) {
    // One that this process stood still over did fail: tried again at once, on a slow machine, it would be for ever.
    const brokenOff = answer.failure === "aborted" && answer.code !== "HELD_UP";
    return {
      delivered: false,
      statusCode,
      durationMs,
      error: answer.detail,
      retryAfterMs: null,
      gone: false,
      brokenOff,
    };
  }
  const delivered = answer.statusCode >= 200 && answer.statusCode < 300;
  return {
    delivered,
    statusCode,
    durationMs,
    error: delivered ? null : `The receiver answered ${answer.statusCode}.`,
    retryAfterMs: parseRetryAfter(answer.headers["retry-after"]),
    gone: answer.statusCode === 410,
    brokenOff: false,
  };
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3) as milliseconds from now. */
function parseRetryAfter(value: string | undefined): number | null {
  if (value === undefined) return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
