/** A wait of about `ms` milliseconds, 20 % less or more, so that many that began together do not come back together. */
export function jitter(ms: number, random: () => number = Math.random): number {
  return ms * (0.8 + 0.4 * random());
}
