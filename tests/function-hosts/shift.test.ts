import { afterEach, expect, test } from "vitest";
import { runShift } from "../../hosts/shift.ts";
import type { ScheduledFunction } from "../../runtime/contract.ts";
import type { Scheduled } from "../../runtime/loop/working.ts";
import { createMemoryStream } from "../../runtime/stream/memory.ts";
import { type TestEnv, testEnv } from "../test-env.ts";

const HOUR_MS = 3_600_000;
const from = (scheduled: ScheduledFunction["scheduled"]): Scheduled => ({
  name: "tend",
  schedule: { everySeconds: 5, runsIn: ["worker-monitoring"] },
  fn: { scheduled },
});

let env: TestEnv;
afterEach(() => env.close());

/** One tick of `workSeconds`; resolves with how long it took, in milliseconds. */
async function tick(schedule: Scheduled, workSeconds: number): Promise<number> {
  env = await testEnv();
  const beganAt = performance.now();
  const bindings = { env, probeEnv: env, workSeconds, openStream: createMemoryStream };
  await runShift({ workers: [], schedules: [schedule] }, bindings, Date.now() + 120_000);
  return performance.now() - beganAt;
}

test("A tick ends long before its time when every schedule sleeps", async () => {
  let runs = 0;
  const asleep = from(async () => {
    runs += 1;
    return { nextInMs: HOUR_MS };
  });
  expect(await tick(asleep, 60)).toBeLessThan(30_000);
  // Once more when bells begin to be heard: news may have come before.
  expect(runs).toBeLessThanOrEqual(2);
});

test("A tick runs a schedule whenever it wants to, until its own time is over", async () => {
  const times: number[] = [];
  const often = from(async () => {
    times.push(performance.now());
    return { nextInMs: 1 };
  });
  expect(await tick(often, 2)).toBeGreaterThanOrEqual(2000);
  expect(times.length).toBeGreaterThan(1);
});

test("A tick with hardly any time left does nothing new for long, and still ends well", async () => {
  env = await testEnv();
  const bindings = { env, probeEnv: env, workSeconds: 60, openStream: createMemoryStream };
  await runShift({ workers: [], schedules: [from(async () => ({ nextInMs: 1 }))] }, bindings, Date.now() + 4100);
  expect(env.logged.filter(({ level }) => level === "ERROR")).toEqual([]);
});
