import { jitter } from "../../runtime/jitter.ts";

/** Seconds before the first attempt, and after each that failed; dense at the start: a page must not come late. */
const RETRY_AFTER_SECONDS = [0, 5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800];
const MAX_FAILURES = RETRY_AFTER_SECONDS.length;
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Attempts before their time may be more than ten, but do not end a delivery sooner: see claim-due-channels.ts. */
const ATTEMPT_FOR_MS = 12 * 3_600_000;

export interface Failing {
  /** This one included. */
  readonly failures: number;
  readonly failingForMs: number;
  /** A receiver's own `Retry-After`. */
  readonly retryAfterMs: number | null;
}

/**
 * Milliseconds until the next attempt after one failed; null when that was the last. With jitter, so that a receiver
 * that was away does not get all at once. `Retry-After` is honoured up to an hour, and up to 20 % more.
 */
export function retryDelayMs({ failures, failingForMs, retryAfterMs }: Failing, random = Math.random): number | null {
  if (failures >= MAX_FAILURES && failingForMs >= ATTEMPT_FOR_MS) return null;
  const seconds = RETRY_AFTER_SECONDS[Math.min(failures, MAX_FAILURES - 1)] ?? 0;
  const askedMs = Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
  return Math.round(Math.max(jitter(seconds * 1000, { random }), jitter(askedMs, { min: 1, random })));
}
