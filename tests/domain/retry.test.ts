import { expect, it } from "vitest";
import { retryDelayMs } from "../../domain/alerts/retry.ts";

const middle = () => 0.5;

it("tries ten times: after 0 s, 5 s, 30 s, 2 min, 10 min, 30 min, 1, 2, 4 and 8 h", () => {
  const delays = Array.from({ length: 11 }, (_, attempt) => retryDelayMs(attempt, null, middle));
  const seconds = [0, 5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800];
  expect(delays).toEqual([...seconds.map((each) => each * 1000), null]);
});

it("spreads each delay by a fifth to either side", () => {
  expect([retryDelayMs(2, null, () => 0), retryDelayMs(2, null, () => 1)]).toEqual([24_000, 36_000]);
});

it("honours Retry-After where it is longer, up to an hour", () => {
  expect(retryDelayMs(1, 60_000, middle)).toBe(60_000);
  expect(retryDelayMs(3, 60_000, middle)).toBe(120_000);
  expect(retryDelayMs(1, 86_400_000, middle)).toBe(3_600_000);
});

it("ends after the tenth try whatever the receiver asks for", () => {
  expect(retryDelayMs(10, 1000, middle)).toBeNull();
});
