import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { claimDueChecks } from "../../../../domain/checks/claim-due-checks.ts";
import { recordConnectivity } from "../../../../domain/connectivity/record-connectivity.ts";
import { deliverDue } from "../../../../domain/deliveries/deliver.ts";
import { createPostgresSql } from "../../../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../../../runtime/drivers/sql/sql.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../../testing/postgres.ts";
import { addChannel, addMonitor, addMonitors, type MonitorRow, times } from "../../../../testing/rows.ts";
import { answer, failure } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const start = new Date("2026-03-01T12:00:00Z");
const now = { sinceMs: 0, lastMs: 0 };
let env: TestEnv;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set(start);
});
afterAll(() => env.close());

/** One that is due in an hour. */
const addWaiting = (over: MonitorRow = {}) =>
  addMonitor(env.sql, { intervalSeconds: 3600, nextCheckAt: 3600, status: "up", ...over });

const offline = (reporter: string, ago = now) => recordConnectivity(env.sql, { reporter, offline: ago });
const sees = (reporter: string) => recordConnectivity(env.sql, { reporter, offline: null });

function at(seconds: number): string {
  return new Date(start.getTime() + seconds * 1000).toISOString();
}

async function planned(): Promise<unknown[]> {
  return env.sql`select type, data, channel_id as "channelId" from deliveries order by event_number, channel_id`;
}

describe("a report of connectivity", () => {
  it("that a process is offline is notified once, to the channels for system alerts", async () => {
    const channelId = await addChannel(env.sql, { systemAlerts: true });
    await addChannel(env.sql);
    await addChannel(env.sql, { systemAlerts: true, disabled: true });
    expect(await offline("a", { sinceMs: 8000, lastMs: 1000 })).toEqual({ change: "offline", channelIds: [channelId] });
    await env.clock.advance(5);
    expect(await offline("a")).toEqual({ change: null, channelIds: [] });
    expect(await offline("b")).toEqual({ change: null, channelIds: [] });
    expect(await planned()).toEqual([{ type: "system.offline", data: { since: at(-8) }, channelId }]);
  });

  it("that no process is offline any more is notified once, and every monitor is due", async () => {
    const channelId = await addChannel(env.sql, { systemAlerts: true });
    const [up, down] = [await addWaiting(), await addWaiting({ status: "down" })];
    const paused = await addWaiting({ status: "paused" });
    await addWaiting({ deletedAt: 0 });
    await offline("a");
    await env.clock.advance(60);
    expect(await sees("a")).toEqual({ change: "online", channelIds: [channelId] });
    expect(await sees("a")).toEqual({ change: null, channelIds: [] });
    expect((await planned())[1]).toEqual({ type: "system.online", data: { since: at(0), until: at(60) }, channelId });
    const due = await env.sql<{ id: string }>`select id from monitors where next_check_at <= app_now()`;
    expect(due.map(({ id }) => id).sort()).toEqual([up, down].sort());
    expect(paused).not.toBe("");
    const { jobs, offline: stillOffline } = await claimDueChecks(env.sql);
    expect([jobs.length, stillOffline]).toEqual([2, false]); // at once: nobody waits for the schedule's next turn
  });

  it("of one that is online ends nothing while another is offline", async () => {
    await offline("a");
    await offline("b");
    expect((await sees("c")).change).toBe(null);
    expect((await sees("a")).change).toBe(null);
    await env.clock.advance(10);
    await offline("b");
    await env.clock.advance(10);
    expect((await sees("a")).change).toBe(null);
    expect((await sees("b")).change).toBe("online");
  });

  it("of one that did not report for 15 s no longer counts", async () => {
    await offline("a");
    await env.clock.advance(14);
    expect((await sees("b")).change).toBe(null);
    await env.clock.advance(2);
    expect((await sees("b")).change).toBe("online");
  });

  it("that comes after connectivity came back, of what was before, is dropped", async () => {
    await offline("a");
    await env.clock.advance(10);
    await sees("a");
    await env.clock.advance(3);
    expect((await offline("a", { sinceMs: 12_000, lastMs: 4000 })).change).toBe(null);
    expect((await offline("a", { sinceMs: 12_000, lastMs: 1000 })).change).toBe("offline");
    const [row] = await env.sql<{ since: Date }>`select offline_since as since from connectivity`;
    expect(row?.since.toISOString()).toBe(at(10)); // from then on it had seen
  });

  it("keeps every schedule at its times, and lets the processes that check look again", async () => {
    await addWaiting();
    expect(await claimDueChecks(env.sql)).toMatchObject({ offline: false, nextInMs: 3_595_000 });
    await offline("a");
    await env.clock.advance(5);
    expect(await claimDueChecks(env.sql)).toMatchObject({ offline: true, nextInMs: 4500 });
  });
});

describe("a system event", () => {
  it("is sent as any other event, in order, with an id of its own that stays", async () => {
    const channelId = await addChannel(env.sql, { systemAlerts: true });
    const never = new AbortController().signal;
    await offline("a");
    env.http.on(() => failure("connect"));
    await deliverDue(env, [channelId], never);
    await env.clock.advance(60);
    await sees("a");
    env.http.on(() => answer(204));
    await deliverDue(env, [channelId], never);
    await deliverDue(env, [channelId], never);
    const sent = env.http.calls.map(({ body }) => JSON.parse(body ?? ""));
    const suffix = channelId.slice("ch_".length);
    const offlineEvent = {
      id: `dlv_system_1_${suffix}`,
      type: "system.offline",
      timestamp: at(0),
      text: expect.stringContaining("offline since 2026-03-01 12:00 UTC"),
      data: { since: at(0) },
    };
    const onlineEvent = {
      id: `dlv_system_2_${suffix}`,
      type: "system.online",
      timestamp: at(60),
      text: "Stillup is online again after 1 min.",
      data: { since: at(0), until: at(60) },
    };
    expect(sent).toEqual([offlineEvent, offlineEvent, onlineEvent]);
  });
});

describe.skipIf(postgresMissing !== null)(`many processes at once on Postgres ${postgresMissing ?? ""}`, () => {
  let postgres: TestPostgres;
  let sql: SqlDriver;
  beforeAll(async () => {
    postgres = await startPostgres();
    sql = createPostgresSql({ url: await postgres.createDatabase(), maxConnections: 24, timeoutMs: 60_000 });
  });
  afterAll(async () => {
    await sql?.close();
    await postgres?.stop();
  });

  it("go offline and online: each change is notified once, alternately, and nothing deadlocks", async () => {
    await addChannel(sql, { systemAlerts: true });
    await addMonitors(sql, times(200, { intervalSeconds: 20 }));
    const changes: unknown[] = [];
    const reporter = async (name: string) => {
      for (let n = 0; n < 40; n++) {
        const { change } = await recordConnectivity(sql, { reporter: name, offline: n % 4 < 2 ? now : null });
        if (change !== null) changes.push(change);
        if (n % 8 === 0) await claimDueChecks(sql);
      }
      const { change } = await recordConnectivity(sql, { reporter: name, offline: null });
      if (change !== null) changes.push(change);
    };
    await Promise.all(Array.from({ length: 16 }, (_, index) => reporter(`process-${index}`)));
    const rows = await sql<{ type: string; number: number }>`
      select type, event_number as number from deliveries where monitor_id = 'system' order by event_number`;
    expect(rows).toHaveLength(changes.length);
    expect(rows.length).toBeGreaterThanOrEqual(2);
    expect(rows).toEqual(
      rows.map((_, index) => ({ type: index % 2 === 0 ? "system.offline" : "system.online", number: index + 1 })),
    );
    const [row] = await sql`select offline_since, offline_reporters from connectivity`;
    expect(row).toEqual({ offline_since: null, offline_reporters: {} });
  });
});
