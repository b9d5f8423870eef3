/**
 * What `make` resolved with, for up to `maxAgeMs` since it was asked; meanwhile everybody gets the same. A failure is
 * not kept. It belongs to the process, because bundles hold no state.
 */
export type Memo = <T>(key: string, maxAgeMs: number, make: () => Promise<T>) => Promise<T>;

/** A memo for one process. Keys must be few: they are never forgotten. */
export function createMemo(now: () => number = () => performance.now()): Memo {
  const kept = new Map<string, { readonly until: number; readonly value: Promise<unknown> }>();
  return <T>(key: string, maxAgeMs: number, make: () => Promise<T>): Promise<T> => {
    const found = kept.get(key);
    if (found !== undefined && now() < found.until) return found.value as Promise<T>; // the same key, the same T
    const value = make();
    const entry = { until: now() + maxAgeMs, value };
    kept.set(key, entry);
    value.catch(() => kept.get(key) === entry && kept.delete(key));
    return value;
  };
}
