/** Seconds before each try, from the first; dense at the start, because a page must not come late. */
const RETRY_AFTER_SECONDS = [0, 5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800];
const SPREAD = 0.2;
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * Milliseconds until the next try after try number `step` failed; null when that was the last. Spread by +-20 %, so
 * that a receiver that was away is not met by all at once. A receiver's own `Retry-After` is honoured up to an hour.
 */
export function retryDelayMs(step: number, retryAfterMs: number | null, random = Math.random): number | null {
  const seconds = RETRY_AFTER_SECONDS[step];
  if (seconds === undefined) return null;
  const delayMs = seconds * 1000 * (1 - SPREAD + 2 * SPREAD * random());
  return Math.round(Math.max(delayMs, Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)));
}
