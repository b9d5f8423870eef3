import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { checksDue } from "../../../../domain/checks/job.ts";
import { alertsDue, statusChanged } from "../../../../domain/messaging/wake-up.ts";
import { canaryEntry } from "../../../../domain/watchdog/canary.ts";
import sendCanary from "../../../../functions/schedules/send-canary.ts";
import type { ScheduledFunction } from "../../../../runtime/contract.ts";
import type { Outgoing } from "../../../../runtime/drivers/stream/stream.ts";
import { createMetrics } from "../../../../runtime/metrics-registry.ts";
import { drain } from "../../../../testing/pipeline.ts";
import { addMonitor } from "../../../../testing/rows.ts";
import { answer, failure } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const url = "https://watchdog.example.com/a1b2";
const schedule: ScheduledFunction = sendCanary;
let env: TestEnv;

beforeEach(async () => {
  env = await testEnv({ config: { watchdogUrl: url } });
  env = { ...env, metrics: createMetrics({ service: "test" }) };
  await env.clock.set("2026-03-01T12:00:00Z");
  env.http.on(() => answer(200));
});
afterAll(() => env.close());

/** A turn of the schedule; resolves with what it publishes. */
async function tick(on = env): Promise<readonly Outgoing[]> {
  const result = await schedule.scheduled({ id: "tick", scheduledTime: 0 }, on, on.ctx());
  return result?.publish ?? [];
}

async function send(): Promise<void> {
  await env.stream.publish(await tick());
}

const pings = () => env.http.calls.map(({ method, url: called }) => `${method} ${called}`);

async function outcomes(): Promise<Record<string, number>> {
  const lines = (await env.metrics.render()).matchAll(/^stillup_watchdog_pings_total\{.*outcome="(\w+)".*\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, outcome, count]) => [outcome, Number(count)]));
}

describe("the watchdog", () => {
  it("is called once for a canary that went through every stream and worker in time", async () => {
    const published = vi.spyOn(env.stream, "settle");
    await send();
    await env.clock.advance(2);
    await drain(env, env.ctx());
    expect(pings()).toEqual([`GET ${url}`]);
    expect(await outcomes()).toEqual({ called: 1 });
    const streams = published.mock.calls.flatMap(([, { publish }]) => publish.map(({ stream }) => stream));
    expect(streams).toEqual([statusChanged.stream, alertsDue.stream]);
    const [row] = await env.sql<{ whole: boolean }>`
      select checked_at = app_now() and handled_at = app_now() and arrived_at = app_now() as whole from canary`;
    expect(row).toEqual({ whole: true });
  });

  it("is called once a minute, however many processes send canaries, even when nothing is to be checked", async () => {
    const sent = await Promise.all([tick(), tick(), tick()]);
    expect(sent.flat()).toEqual([canaryEntry("canary_1")]);
    await env.clock.advance(59);
    expect(await tick()).toEqual([]);
    await env.clock.advance(1);
    expect(await tick()).toEqual([canaryEntry("canary_2")]);
  });

  it("is not called when the canary took longer than 30 s", async () => {
    await send();
    await env.clock.advance(31);
    await drain(env, env.ctx());
    expect(pings()).toEqual([]);
    expect(await outcomes()).toEqual({ late: 1 });
    expect(env.logged).toMatchObject([{ level: "WARN", message: "The watchdog was not called." }]);
  });

  it("is not called while a check has had no result for a minute after its end", async () => {
    await addMonitor(env.sql, { waitingSince: -70, nextCheckAt: 9 });
    await send();
    await drain(env, env.ctx()); // 10 s of time-out and a minute: just not
    await env.clock.advance(60);
    await send();
    await drain(env, env.ctx());
    expect(await outcomes()).toEqual({ called: 1, overdue: 1 });
    await env.sql`update monitors set status = 'paused'`;
    await env.clock.advance(60);
    await send();
    await drain(env, env.ctx());
    expect(await outcomes()).toEqual({ called: 2, overdue: 1 });
  });

  it("is not called while a check is due that no schedule gives out", async () => {
    await addMonitor(env.sql, { nextCheckAt: -71 });
    await send();
    await drain(env, env.ctx());
    expect(await outcomes()).toEqual({ overdue: 1 });
  });

  it("is not called for a canary that left out a worker", async () => {
    await tick();
    await env.stream.publish(alertsDue.messages(["canary_1"]));
    await drain(env, env.ctx());
    expect(await outcomes()).toEqual({ late: 1 });
  });

  it("is not called for an older canary, which ends where it is", async () => {
    await tick();
    await env.clock.advance(60);
    await tick();
    await env.stream.publish([canaryEntry("canary_1"), ...alertsDue.messages(["canary_1"])]);
    await drain(env, env.ctx());
    expect(pings()).toEqual([]);
  });

  it.each([
    [() => answer(500), "WATCHDOG_URL responded with 500."],
    [() => failure("connect"), "It was scripted to fail: connect."],
  ])("that cannot be called is logged and counted once: %#", async (script, reason) => {
    env.http.on(script);
    await send();
    await drain(env, env.ctx());
    expect(pings()).toHaveLength(1);
    expect(await outcomes()).toEqual({ failed: 1 });
    expect(env.logged).toMatchObject([{ level: "WARN", fields: { reason } }]);
    expect(JSON.stringify(env.logged)).not.toContain("a1b2"); // the URL is the key to it
  });

  it("that was not called because the canary was lost is reported with the next one", async () => {
    await tick();
    await env.clock.advance(60);
    await tick();
    expect(await outcomes()).toEqual({ lost: 1 });
    expect(env.logged).toMatchObject([{ level: "WARN", message: "The watchdog was not called." }]);
  });

  it("costs no statement, no message and no call where there is no URL", async () => {
    const without: TestEnv = { ...env, config: { ...env.config, watchdogUrl: null } };
    const never = () => {
      throw new Error("Nobody was to ask.");
    };
    expect(await tick({ ...without, sql: Object.assign(never, env.sql) })).toEqual([]);
    await env.stream.publish(await tick());
    await drain(without, env.ctx());
    expect(pings()).toEqual([]);
  });

  it("leaves jobs and wake-ups beside its canary alone", async () => {
    await send();
    await env.stream.publish(statusChanged.messages(["mon_of_nobody"]));
    await env.stream.publish(alertsDue.messages(["ch_of_nobody"]));
    await drain(env, env.ctx());
    expect(await outcomes()).toEqual({ called: 1 });
    const left = await env.stream.state(checksDue.stream, checksDue.group);
    expect(left.length).toBe(0);
  });
});
