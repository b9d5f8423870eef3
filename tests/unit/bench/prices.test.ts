import { expect, test } from "vitest";
import { awakeMs, monthOf } from "../../../bench/prices.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

test("the database is awake for five minutes from each statement, counted once where they overlap", () => {
  const asked = [0, 2 * MINUTE_MS, 20 * MINUTE_MS];
  expect(awakeMs(asked, 0, HOUR_MS)).toBe((5 + 2 + 5) * MINUTE_MS);
});

test("only within the span that is looked at", () => {
  expect(awakeMs([59 * MINUTE_MS], 0, HOUR_MS)).toBe(MINUTE_MS);
  expect(awakeMs([], 0, HOUR_MS)).toBe(0);
});

test("the free plans hold 500,000 commands, 100 CU-hours and half a gigabyte a month, and not more", () => {
  const held = { commands: 16_666, awakeHours: 13.3, storedGb: 0.5 };
  expect(monthOf(held)).toMatchObject({ isRedisFree: true, isComputeFree: true, isStorageFree: true });
  const more = { commands: held.commands + 1, awakeHours: held.awakeHours + 0.1, storedGb: 0.51 };
  expect(monthOf(more)).toMatchObject({ isRedisFree: false, isComputeFree: false, isStorageFree: false });
});

test("a month is charged by the command, the CU-hour and the gigabyte", () => {
  const month = monthOf({ commands: 100_000, awakeHours: 24, storedGb: 2 });
  expect(month.redisUsd).toBeCloseTo(6);
  expect(month.neonUsd).toBeCloseTo(180 * 0.106 + 0.7);
});
