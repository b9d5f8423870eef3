import { vi } from "vitest";

interface Nap {
  readonly ms: number;
  wake(slept: boolean): void;
}

/** Stands in for `sleep`: nothing passes by itself, the test says which wait is over. */
export interface Sleeps {
  sleep(ms: number, signal: AbortSignal): Promise<boolean>;
  /** Waits until something sleeps for `from` to `to` milliseconds, ends that sleep and resolves with its length. */
  end(from: number, to: number): Promise<number>;
  /** The lengths of the sleeps that go on. */
  going(): number[];
}

export function createSleeps(): Sleeps {
  const naps = new Set<Nap>();
  return {
    sleep(ms, signal) {
      if (signal.aborted) return Promise.resolve(false);
      return new Promise((resolve) => {
        const nap: Nap = {
          ms,
          wake(slept) {
            naps.delete(nap);
            signal.removeEventListener("abort", abort);
            resolve(slept);
          },
        };
        const abort = () => nap.wake(false);
        signal.addEventListener("abort", abort);
        naps.add(nap);
      });
    },
    async end(from, to) {
      const nap = await vi.waitFor(
        () => {
          const found = [...naps].find(({ ms }) => ms >= from && ms <= to);
          if (found === undefined) throw new Error(`Nothing sleeps for ${from} to ${to} ms.`);
          return found;
        },
        { interval: 5, timeout: 5000 },
      );
      nap.wake(true);
      return nap.ms;
    },
    going: () => [...naps].map(({ ms }) => ms),
  };
}
