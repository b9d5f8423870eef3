/** Milliseconds. */
export interface Summary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Percentiles by the nearest rank: each is a time that was measured. */
export function summarise(times: readonly number[]): Summary {
  const sorted = [...times].sort((a, b) => a - b);
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}

/** Something with a name and a time by `nowMs()`. */
interface Timed {
  readonly name: string;
  readonly atMs: number;
}

/**
 * The times from each cause to its effect: the nth effect of a name is that of its nth cause.
 * Throws when a cause has no effect or an effect no cause.
 */
export function latencies(causes: readonly Timed[], effects: readonly Timed[]): number[] {
  const byName = new Map<string, number[]>();
  for (const { name, atMs } of effects) byName.set(name, [...(byName.get(name) ?? []), atMs]);
  const times = causes.map(({ name, atMs }) => {
    const effectMs = byName.get(name)?.shift();
    if (effectMs === undefined) throw new Error(`${name} was never notified.`);
    return effectMs - atMs;
  });
  const left = [...byName].filter(([, rest]) => rest.length > 0);
  if (left.length > 0) throw new Error(`${left.length} were notified too often, such as ${left[0]?.[0]}.`);
  return times;
}
