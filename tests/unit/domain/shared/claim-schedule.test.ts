import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { claimSchedule } from "../../../../domain/shared/claim-schedule.ts";
import { addDelivery, addMonitor } from "../../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

let env: TestEnv;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
});
afterAll(() => env.close());

const claim = async (name = "roll-up", everySeconds = 60) => claimSchedule(env.sql, name, everySeconds);
const isClaimed = async () => (await claim()).claimed;

describe("A schedule", () => {
  it("that the database does not know is added by its first claim", async () => {
    await addMonitor(env.sql);
    expect(await claim("greet", 60)).toEqual({ claimed: true, nextInMs: 60_000 });
    expect(await env.sql`select name from schedules`).toEqual([{ name: "greet" }]);
    expect(await claim("greet", 60)).toEqual({ claimed: false, nextInMs: 60_000 });
  });

  it("is claimed by one of many, and again when its time has come", async () => {
    await addMonitor(env.sql);
    const claims = await Promise.all([claim(), claim(), claim(), claim()]);
    expect(claims.filter(({ claimed }) => claimed)).toHaveLength(1);
    expect(claims.map(({ nextInMs }) => nextInMs)).toEqual([60_000, 60_000, 60_000, 60_000]);
    await env.clock.advance(59);
    expect(await isClaimed()).toBe(false);
    await env.clock.advance(1);
    expect(await isClaimed()).toBe(true);
  });

  it("sleeps until the next full hour when there is nothing to do, as all do", async () => {
    await env.clock.advance(600);
    expect(await claim("roll-up", 60)).toEqual({ claimed: true, nextInMs: 3_000_000 });
    expect(await claim("enqueue-checks", 4.5)).toEqual({ claimed: true, nextInMs: 3_000_000 });
    expect(await claim("enqueue-checks", 4.5)).toEqual({ claimed: false, nextInMs: 3_000_000 });
  });

  it("never sleeps when its claim says so", async () => {
    const rows = await env.sql`
      select claimed, next_in_ms as "nextInMs" from claim_schedule('send-canary', 60, never_sleeps => true)`;
    expect(rows).toEqual([{ claimed: true, nextInMs: 60_000 }]);
  });

  it("runs earlier than usual when its claim says when it has something to do", async () => {
    await addMonitor(env.sql);
    const rows = await env.sql`
      select claimed, next_in_ms as "nextInMs"
      from claim_schedule('sweep', 60, due_at => app_now() + interval '7 s')`;
    expect(rows).toEqual([{ claimed: true, nextInMs: 7000 }]);
  });

  it("keeps its times for two minutes after there was something to do", async () => {
    const id = await addMonitor(env.sql);
    await claim();
    await env.sql`update monitors set status = 'paused' where id = ${id}`;
    await env.clock.advance(119);
    expect((await claim("roll-up", 60)).nextInMs).toBe(60_000);
    await env.clock.advance(60);
    expect((await claim("roll-up", 60)).nextInMs).toBe(3_600_000 - 179_000);
  });

  it("wakes before a monitor is due, and when a delivery is to be tried again", async () => {
    await addMonitor(env.sql, { nextCheckAt: 30 * 60 });
    expect((await claim("roll-up")).nextInMs).toBe(30 * 60_000 - 5000);
    await addDelivery(env.sql, { nextAttemptAt: 20 * 60 });
    expect((await claim("apply-retention")).nextInMs).toBe(20 * 60_000);
  });

  it("is claimed early when something new has come while it slept", async () => {
    expect(await isClaimed()).toBe(true);
    await env.clock.advance(300);
    expect(await isClaimed()).toBe(false);
    await addMonitor(env.sql);
    expect(await claim()).toEqual({ claimed: true, nextInMs: 60_000 });
    expect(await isClaimed()).toBe(false);
  });
});
