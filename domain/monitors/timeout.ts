/**
 * A check's time-out in milliseconds: the monitor's own, or 80 % of its interval up to 10 s. The statements of
 * `claimDueChecks` and `pingWatchdog` reckon it likewise.
 */
export function timeoutFor(intervalSeconds: number, timeoutMs: number | null): number {
  return timeoutMs ?? Math.min(10_000, intervalSeconds * 800);
}
