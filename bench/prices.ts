// The published prices, in USD, and what the free plans hold: upstash.com/pricing, neon.com/pricing (plan Launch).
// As of November 2026.

const UPSTASH_PER_COMMAND = 0.2 / 100_000;
const UPSTASH_FREE_COMMANDS = 500_000;
const NEON_PER_CU_HOUR = 0.106;
const NEON_FREE_CU_HOURS = 100;
/** The smallest compute. It sleeps after 5 minutes without a statement. */
const NEON_CU = 0.25;
const NEON_AWAKE_MS = 300_000;
const NEON_PER_GB_MONTH = 0.35;
const NEON_FREE_GB = 0.5;
const DAYS_A_MONTH = 30;

/** What a day comes to. */
export interface Day {
  readonly commands: number;
  /** Hours in which the database is awake. */
  readonly awakeHours: number;
  /** Kept in the end. */
  readonly storedGb: number;
}

/** A month of such days, and whether the free plans hold it. */
export interface Month {
  readonly commands: number;
  readonly redisUsd: number;
  readonly isRedisFree: boolean;
  readonly cuHours: number;
  readonly neonUsd: number;
  readonly isComputeFree: boolean;
  readonly isStorageFree: boolean;
}

/** Without what the free plans give, as if neither were used. */
export function monthOf({ commands, awakeHours, storedGb }: Day): Month {
  const aMonth = commands * DAYS_A_MONTH;
  const cuHours = awakeHours * NEON_CU * DAYS_A_MONTH;
  return {
    commands: aMonth,
    redisUsd: aMonth * UPSTASH_PER_COMMAND,
    isRedisFree: aMonth <= UPSTASH_FREE_COMMANDS,
    cuHours,
    neonUsd: cuHours * NEON_PER_CU_HOUR + storedGb * NEON_PER_GB_MONTH,
    isComputeFree: cuHours <= NEON_FREE_CU_HOURS,
    isStorageFree: storedGb <= NEON_FREE_GB,
  };
}

/** How much of a span the database is awake, from when it is asked: milliseconds. */
export function awakeMs(askedAtMs: readonly number[], fromMs: number, toMs: number): number {
  let awakeUntil = fromMs;
  let total = 0;
  for (const atMs of askedAtMs) {
    const until = Math.min(toMs, atMs + NEON_AWAKE_MS);
    total += Math.max(0, until - Math.max(atMs, awakeUntil));
    awakeUntil = Math.max(awakeUntil, until);
  }
  return total;
}
