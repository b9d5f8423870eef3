import { expect, it } from "vitest";
import { type Failing, retryDelayMs } from "../../../../domain/deliveries/retry-delay.ts";

const middle = () => 0.5;
const hours = 3_600_000;
const tried = (failures: number, over: Partial<Failing> = {}) => {
  return { failures, failingForMs: 15 * hours, retryAfterMs: null, ...over };
};

it("tries ten times: after 0 s, 5 s, 30 s, 2 min, 10 min, 30 min, 1, 2, 4 and 8 h", () => {
  const delays = Array.from({ length: 11 }, (_, failures) => retryDelayMs(tried(failures), middle));
  const seconds = [0, 5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800];
  expect(delays).toEqual([...seconds.map((each) => each * 1000), null]);
});

it("spreads each delay by a fifth to either side", () => {
  expect([retryDelayMs(tried(2), () => 0), retryDelayMs(tried(2), () => 1)]).toEqual([24_000, 36_000]);
});

it("honours Retry-After where it is longer, up to an hour and never sooner, and spreads it as well", () => {
  const asked = (failures: number, retryAfterMs: number, random: () => number) =>
    retryDelayMs(tried(failures, { retryAfterMs }), random);
  expect([asked(1, 60_000, () => 0), asked(1, 60_000, () => 1)]).toEqual([60_000, 72_000]);
  expect(asked(3, 60_000, middle)).toBe(120_000);
  expect(asked(1, 86_400_000, () => 0)).toBe(3_600_000);
});

it("ends after the tenth try whatever the receiver asks for", () => {
  expect(retryDelayMs(tried(10, { retryAfterMs: 1000 }), middle)).toBeNull();
});

it("goes on after the tenth try where tries that came early have used them up before 12 h were over", () => {
  expect(retryDelayMs(tried(14, { failingForMs: 11 * hours }), middle)).toBe(8 * hours);
  expect(retryDelayMs(tried(14, { failingForMs: 12 * hours }), middle)).toBeNull();
});
