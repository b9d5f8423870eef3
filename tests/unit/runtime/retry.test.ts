import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { jitter } from "../../../runtime/jitter.ts";
import { backoff, backoffMs, retry } from "../../../runtime/retry.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Work that fails with these errors, one after the other, and then succeeds. */
function failing(...errors: readonly Error[]) {
  const triedAt: number[] = [];
  const startedAt = Date.now();
  const left = [...errors];
  const work = async () => {
    triedAt.push(Date.now() - startedAt);
    const error = left.shift();
    if (error !== undefined) throw error;
    return "done";
  };
  return { work, triedAt };
}

const away = (count: number) => Array.from({ length: count }, (_, index) => new Error(`away ${index}`));
const never = new AbortController().signal;

describe("retry", () => {
  test("tries again after each delay, and resolves with what the work resolves with", async () => {
    const { work, triedAt } = failing(...away(2));
    const done = retry(work, { delays: [100, 400, 1600], signal: never, when: () => true });
    await vi.runAllTimersAsync();
    expect(await done).toBe("done");
    expect(triedAt).toEqual([0, 100, 500]);
  });

  test("throws the last error when there is no further delay", async () => {
    const { work, triedAt } = failing(...away(5));
    const done = expect(retry(work, { delays: [100, 400], signal: never, when: () => true })).rejects.toThrow("away 2");
    await vi.runAllTimersAsync();
    await done;
    expect(triedAt).toEqual([0, 100, 500]);
  });

  test("throws an error after which no other try can succeed", async () => {
    const { work, triedAt } = failing(...away(1), new Error("refused"));
    const when = (error: unknown) => error instanceof Error && error.message !== "refused";
    const done = expect(retry(work, { delays: [100, 400], signal: never, when })).rejects.toThrow("refused");
    await vi.runAllTimersAsync();
    await done;
    expect(triedAt).toEqual([0, 100]);
  });

  test("throws the last error as soon as the signal aborts, and leaves no timer", async () => {
    const { work, triedAt } = failing(...away(2));
    const stopping = new AbortController();
    const done = expect(
      retry(work, { delays: [100, 60_000], signal: stopping.signal, when: () => true }),
    ).rejects.toThrow("away 1");
    await vi.advanceTimersByTimeAsync(150);
    stopping.abort();
    await done;
    expect(triedAt).toEqual([0, 100]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("doubles its waits up to a bound with a backoff", async () => {
    const { work, triedAt } = failing(...away(5));
    const done = retry(work, { delays: backoff({ firstMs: 100, maxMs: 500 }), signal: never, when: () => true });
    await vi.runAllTimersAsync();
    expect(await done).toBe("done");
    expect(triedAt).toEqual([0, 100, 300, 700, 1200, 1700]);
  });
});

test("A backoff stays at its bound, however many failures there were", () => {
  expect(backoffMs(1, { firstMs: 250, maxMs: 5000 })).toBe(250);
  expect(backoffMs(100_000, { firstMs: 250, maxMs: 5000 })).toBe(5000);
});

test.each([
  [0, 800, 500],
  [0.5, 1000, 750],
  [1, 1200, 1000],
])("Jitter with the random number %f makes %f of 1000, or %f with bounds of its own", (random, usual, bounded) => {
  expect(jitter(1000, { random: () => random })).toBeCloseTo(usual);
  expect(jitter(1000, { min: 0.5, max: 1, random: () => random })).toBeCloseTo(bounded);
});
