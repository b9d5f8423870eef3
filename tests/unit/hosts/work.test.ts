import { afterEach, expect, test } from "vitest";
import { work } from "../../../hosts/shared/work.ts";
import type { ScheduledFunction } from "../../../runtime/contract.ts";
import { createMemoryStream } from "../../../runtime/drivers/stream/memory.ts";
import type { LoadedSchedule } from "../../../runtime/worker/start-functions.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

const HOUR_MS = 3_600_000;
const from = (scheduled: ScheduledFunction["scheduled"]): LoadedSchedule => ({
  name: "tend",
  schedule: { everySeconds: 5, runsWith: ["monitoring"] },
  fn: { scheduled },
});

let env: TestEnv;
afterEach(() => env.close());

/** Nothing here comes near it but a tick that forgets its end. */
const LONG_MS = 20_000;

/** One tick of `workSeconds` that must end in `inMs`; resolves with how long it took, in milliseconds. */
async function tick(schedule: LoadedSchedule, workSeconds: number, inMs = 120_000): Promise<number> {
  env = await testEnv();
  const beganAt = performance.now();
  const bindings = { env, workSeconds, openStream: createMemoryStream };
  await work.runTick({ workers: [], schedules: [schedule] }, bindings, Date.now() + inMs);
  return performance.now() - beganAt;
}

test("A tick ends long before its time when every schedule sleeps", async () => {
  let runs = 0;
  const asleep = from(async () => {
    runs += 1;
    return { nextInMs: HOUR_MS };
  });
  expect(await tick(asleep, 60)).toBeLessThan(LONG_MS);
  // Once more when wake-ups begin to be heard: news may have come before.
  expect([1, 2]).toContain(runs);
});

test("A tick runs a schedule whenever it wants to, until its own time is over", async () => {
  const times: number[] = [];
  const often = from(async () => {
    times.push(performance.now());
    return { nextInMs: 1 };
  });
  const tookMs = await tick(often, 2);
  expect(tookMs).toBeGreaterThanOrEqual(2000);
  expect(tookMs).toBeLessThan(LONG_MS);
  expect(times.length).toBeGreaterThan(1);
});

test("A tick with hardly any time left does nothing new for long, and still ends well", async () => {
  let runs = 0;
  const often = from(async () => {
    runs += 1;
    return { nextInMs: 1 };
  });
  expect(await tick(often, 60, 4100)).toBeLessThan(LONG_MS);
  expect(runs).toBeGreaterThanOrEqual(1);
  expect(env.logged.filter(({ level }) => level === "ERROR")).toEqual([]);
});
