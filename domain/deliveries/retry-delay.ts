import { jitter } from "../../runtime/jitter.ts";

/** Seconds before the first try, and after each that failed; dense at the start, because a page must not come late. */
const RETRY_AFTER_SECONDS = [0, 5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800];
const MAX_TRIES = RETRY_AFTER_SECONDS.length;
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Tries that came before their time may be more than ten, but do not end a delivery sooner: see claim-due-channels.ts. */
const TRY_FOR_MS = 12 * 3_600_000;

export interface Tried {
  /** This one included. */
  readonly failures: number;
  readonly failingForMs: number;
  /** A receiver's own `Retry-After`. */
  readonly retryAfterMs: number | null;
}

/**
 * Milliseconds until the next try after one failed; null when that was the last. Spread, so that a receiver that was
 * away is not met by all at once. `Retry-After` is honoured up to an hour, and up to 20 % more.
 */
export function retryDelayMs({ failures, failingForMs, retryAfterMs }: Tried, random = Math.random): number | null {
  if (failures >= MAX_TRIES && failingForMs >= TRY_FOR_MS) return null;
  const seconds = RETRY_AFTER_SECONDS[Math.min(failures, MAX_TRIES - 1)] ?? 0;
  const askedMs = Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
  return Math.round(
    Math.max(
      jitter(seconds * 1000, random),
      jitter(askedMs, () => 0.5 + random() / 2),
    ),
  );
}
