import { vi } from "vitest";

interface Pause {
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
  const pauses = new Set<Pause>();
  return {
    sleep(ms, signal) {
      if (signal.aborted) return Promise.resolve(false);
      return new Promise((resolve) => {
        const pausing: Pause = {
          ms,
          wake(slept) {
            pauses.delete(pausing);
            signal.removeEventListener("abort", abort);
            resolve(slept);
          },
        };
        const abort = () => pausing.wake(false);
        signal.addEventListener("abort", abort);
        pauses.add(pausing);
      });
    },
    async end(from, to) {
      const pausing = await vi.waitFor(
        () => {
          const found = [...pauses].find(({ ms }) => ms >= from && ms <= to);
          if (found === undefined) throw new Error(`Nothing sleeps for ${from} to ${to} ms.`);
          return found;
        },
        { interval: 5, timeout: 5000 },
      );
      pausing.wake(true);
      return pausing.ms;
    },
    going: () => [...pauses].map(({ ms }) => ms),
  };
}
