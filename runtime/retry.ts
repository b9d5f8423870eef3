import { jitter } from "./jitter.ts";
import { sleep } from "./sleep.ts";

interface RetryOptions {
  /** Milliseconds to wait before each further try, give or take 20 %. The try after the last of them is the last. */
  readonly delays: Iterable<number>;
  /** Ends a wait: no further try is made. */
  readonly signal: AbortSignal;
  /** True for an error after which another try may succeed. */
  readonly when: (error: unknown) => boolean;
}

/** Resolves with what `work` resolves with. @throws what its last try threw. */
export async function retry<T>(work: () => PromiseLike<T>, { delays, signal, when }: RetryOptions): Promise<T> {
  for (const delayMs of delays) {
    try {
      return await work();
    } catch (error) {
      if (!when(error) || !(await sleep(jitter(delayMs), signal))) throw error;
    }
  }
  return work();
}

interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** How long to wait after so many failures in a row: `firstMs` after the first, doubled with each one up to `maxMs`. */
export function backoffMs(failures: number, { firstMs, maxMs }: Backoff): number {
  return Math.min(firstMs * 2 ** (failures - 1), maxMs);
}

/** Such waits without end, for `retry`: `when` must bound them. */
export function* backoff(options: Backoff): Generator<number> {
  for (let failures = 1; ; failures++) yield backoffMs(failures, options);
}
