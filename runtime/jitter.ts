interface JitterOptions {
  /** Bounds of the factor: 0.8 and 1.2 when left out. */
  readonly min?: number;
  readonly max?: number;
  /** 0 to 1, as `Math.random`. */
  readonly random?: () => number;
}

/** A wait of about `ms` milliseconds, so that many that began together do not come back together. */
export function jitter(ms: number, { min = 0.8, max = 1.2, random = Math.random }: JitterOptions = {}): number {
  return ms * (min + (max - min) * random());
}
