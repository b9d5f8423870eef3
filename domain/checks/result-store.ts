import { isTransient } from "../../runtime/errors.ts";
import { retry } from "../../runtime/retry.ts";
import type { AppliedResult } from "./apply-results.ts";
import type { JobResult } from "./result.ts";

export interface ResultStore {
  /** Takes a result that must be stored within `withinMs`; at once when 0. */
  add(result: JobResult, withinMs: number): void;
  /** Stores all that is left now; resolves when everything is stored. Rejects if something could not be. */
  finish(): Promise<void>;
}

interface ResultStoreOptions {
  /** Stores results and does what follows from them. Carried out again after an ambiguous failure. */
  readonly store: (results: readonly JobResult[]) => Promise<readonly AppliedResult[]>;
  /** A result that the database refuses on its own. It is dropped: the next check comes. */
  readonly refused: (result: JobResult, error: unknown) => void;
  readonly signal: AbortSignal;
}

/** How long a database that is away is waited for before the whole entry is given back. */
const RETRY_AFTER_MS = [100, 400, 1600, 5000, 10_000];

/**
 * Gathers the results of one call into few statements. An urgent result goes at once, together with those that became
 * urgent while the statement before was under way; the others wait to share a statement, each within its own bound.
 */
export function createResultStore({ store, refused, signal }: ResultStoreOptions): ResultStore {
  let waiting: JobResult[] = [];
  let urgent: JobResult[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let timerAt = Number.POSITIVE_INFINITY;
  let running: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;

  const storeWithRetries = async (results: readonly JobResult[]): Promise<void> => {
    try {
      await retry(() => store(results), { delays: RETRY_AFTER_MS, signal, when: isTransient });
    } catch (error) {
      if (isTransient(error)) throw error;
      await storeOneByOne(results, error);
    }
  };

  const storeOneByOne = async (results: readonly JobResult[], error: unknown): Promise<void> => {
    const [first, second] = results;
    if (first !== undefined && second === undefined) return refused(first, error);
    for (const result of results) await storeWithRetries([result]);
  };

  const drain = async (): Promise<void> => {
    while (urgent.length > 0) {
      const results = urgent;
      urgent = [];
      try {
        await storeWithRetries(results);
      } catch (error) {
        failure ??= { error };
      }
    }
    running = undefined;
  };

  const start = () => {
    running ??= drain();
  };

  const release = () => {
    clearTimeout(timer);
    timerAt = Number.POSITIVE_INFINITY;
    urgent.push(...waiting);
    waiting = [];
    if (urgent.length > 0) start();
  };

  return {
    add(result, withinMs) {
      if (withinMs <= 0 || signal.aborted) {
        urgent.push(result);
        start();
        return;
      }
      waiting.push(result);
      const at = performance.now() + withinMs;
      if (at >= timerAt) return;
      clearTimeout(timer);
      timerAt = at;
      timer = setTimeout(release, withinMs);
    },
    async finish() {
      release();
      while (running !== undefined) await running;
      if (failure !== undefined) throw failure.error;
    },
  };
}
