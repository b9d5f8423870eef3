/** Seconds before each try, from the first; dense at the start, because a page must not come late. */
const RETRY_AFTER_SECONDS = [0, 5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800];
const SPREAD = 0.2;
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Tries that came before their time may be more than ten, but do not end a delivery sooner: see claim-due-channels.ts. */
const TRY_FOR_MS = 12 * 3_600_000;

export interface Tried {
  /** This one included. */
  readonly failures: number;
  readonly triedForMs: number;
  /** A receiver's own `Retry-After`. */
  readonly retryAfterMs: number | null;
}

/**
 * Milliseconds until the next try after one failed; null when that was the last. Spread by +-20 %, so that a receiver
 * that was away is not met by all at once. `Retry-After` is honoured up to an hour, and up to 20 % more.
 */
export function retryDelayMs({ failures, triedForMs, retryAfterMs }: Tried, random = Math.random): number | null {
  const seconds = RETRY_AFTER_SECONDS[failures];
  if (seconds === undefined && triedForMs >= TRY_FOR_MS) return null;
  const chance = random();
  const delayMs = (seconds ?? 28_800) * 1000 * (1 - SPREAD + 2 * SPREAD * chance);
  const askedMs = Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS) * (1 + SPREAD * chance);
  return Math.round(Math.max(delayMs, askedMs));
}
