import type { HttpAnswer } from "../../runtime/drivers/http/http.ts";

/** How an attempt to send went. */
export interface SendResult {
  /**
   * - `delivered`: the receiver has it.
   * - `failed`: another attempt follows, until it failed too often.
   * - `permanent`: the receiver will never take this message; no other attempt follows.
   * - `gone`: the receiver will never take anything again; its channel is disabled.
   * - `broken-off`: this side ended it, because the process is to stop, or never began it. It counts as no failure.
   */
  readonly outcome: "delivered" | "failed" | "permanent" | "gone" | "broken-off";
  readonly statusCode: number | null;
  /** One sentence for people; null when delivered. */
  readonly error: string | null;
  /** How long the receiver asks to be left alone. */
  readonly retryAfterMs: number | null;
  readonly durationMs: number;
}

/** The result of an HTTP call that is delivered by a status from 200 to 299. A type adds what its service means. */
export function resultOfHttp(answer: HttpAnswer): SendResult {
  const { statusCode, totalMs: durationMs } = answer;
  if (!answer.ok) {
    // A call that this process stood still over did fail: repeated at once on a slow machine, it would be for ever.
    const outcome = answer.failure === "aborted" && answer.code !== "HELD_UP" ? "broken-off" : "failed";
    return { outcome, statusCode, error: answer.detail, retryAfterMs: null, durationMs };
  }
  if (answer.statusCode >= 200 && answer.statusCode < 300) {
    return { outcome: "delivered", statusCode, error: null, retryAfterMs: null, durationMs };
  }
  const retryAfterMs = parseRetryAfter(answer.headers["retry-after"]);
  return {
    outcome: "failed",
    statusCode,
    error: `The receiver answered ${answer.statusCode}.`,
    retryAfterMs,
    durationMs,
  };
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3) as milliseconds from now. */
function parseRetryAfter(value: string | undefined): number | null {
  if (value === undefined) return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
