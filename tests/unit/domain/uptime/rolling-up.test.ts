import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { applyRetention } from "../../../../domain/retention/apply-retention.ts";
import { rollUp } from "../../../../domain/uptime/roll-up.ts";
import { addChecks, addMonitor, addRollups, addStatusChanges, times } from "../../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const start = new Date("2026-03-01T12:00:00Z");
let env: TestEnv;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set(start);
});
afterAll(() => env.close());

function at(minutes: number): Date {
  return new Date(start.getTime() + minutes * 60_000);
}

async function changed(id: string, version: number, { status, minutes }: { status: string; minutes: number }) {
  await addStatusChanges(env.sql, [{ monitorId: id, version, status, at: at(minutes) }]);
}

async function hours(): Promise<[string, number, number][]> {
  const rows = await env.sql<{ start: Date; up: number; down: number }>`
    select start, up_seconds as up, down_seconds as down from rollups_hour order by start`;
  return rows.map((row) => [row.start.toISOString().slice(11, 16), row.up, row.down]);
}

describe("rolling up", () => {
  it("sums up each hour that ended: seconds up and down, checks and failures", async () => {
    const id = await addMonitor(env.sql);
    await changed(id, 1, { status: "up", minutes: 10 });
    await changed(id, 2, { status: "down", minutes: 50 });
    await changed(id, 3, { status: "paused", minutes: 90 });
    await addChecks(env.sql, [
      { monitorId: id, at: at(10), outcome: "ok", totalMs: 20 },
      { monitorId: id, at: at(50), outcome: "timeout", totalMs: 40 },
      { monitorId: id, at: at(60), outcome: "ok", totalMs: 5 },
    ]);
    await env.clock.advance(2 * 3600 + 120);
    await rollUp(env.sql);
    expect(await hours()).toEqual([
      ["12:00", 2400, 600],
      ["13:00", 0, 1800],
    ]);
    const [first] = await env.sql`
      select checks, failures, total_ms_sum, total_ms_max from rollups_hour order by start limit 1`;
    expect(first).toEqual({ checks: 2, failures: 1, total_ms_sum: 60, total_ms_max: 40 });
  });

  it("leaves an hour alone until two minutes after its end, when its last results are stored", async () => {
    await addMonitor(env.sql);
    await env.clock.advance(3600 + 119);
    await rollUp(env.sql);
    expect(await hours()).toEqual([]);
    await env.clock.advance(1);
    await rollUp(env.sql);
    expect(await hours()).toHaveLength(1);
  });

  it("makes hours again from where a status change is dated back to", async () => {
    const id = await addMonitor(env.sql);
    await changed(id, 1, { status: "up", minutes: 0 });
    await env.clock.advance(3 * 3600 + 300);
    await rollUp(env.sql);
    expect(await hours()).toHaveLength(3);
    await changed(id, 2, { status: "down", minutes: 90 });
    await env.sql`update monitors set rolled_up_to = date_trunc('hour', ${at(90)}::timestamptz, 'UTC')`;
    await rollUp(env.sql);
    expect(await hours()).toEqual([
      ["12:00", 3600, 0],
      ["13:00", 1800, 1800],
      ["14:00", 0, 3600],
    ]);
  });

  it("catches up with days of hours, 48 a statement", async () => {
    await addMonitor(env.sql);
    await env.clock.advance(100 * 3600 + 120);
    for (const made of [48, 96, 100, 100]) {
      await rollUp(env.sql);
      expect(await hours()).toHaveLength(made);
    }
  });
});

describe("retaining", () => {
  it("folds hours of more than 90 days ago into days, and keeps the sums", async () => {
    const id = await addMonitor(env.sql);
    const firstHour = new Date("2025-11-29T00:00:00Z"); // 92 days ago
    const sums = { upSeconds: 3000, downSeconds: 600, checks: 60, failures: 10, totalMsSum: 100 };
    await addRollups(
      env.sql,
      "rollups_hour",
      times(72, (n) => ({
        ...sums,
        monitorId: id,
        start: new Date(firstHour.getTime() + (n - 1) * 3_600_000),
        totalMsMax: n - 1,
      })),
    );
    await applyRetention(env.sql, { rawCheckDays: 7 });
    await applyRetention(env.sql, { rawCheckDays: 7 });
    const days =
      await env.sql`select up_seconds, down_seconds, checks, failures, total_ms_max from rollups_day order by start`;
    expect(days).toEqual([
      { up_seconds: 72_000, down_seconds: 14_400, checks: 1440, failures: 240, total_ms_max: 23 },
      { up_seconds: 72_000, down_seconds: 14_400, checks: 1440, failures: 240, total_ms_max: 47 },
    ]);
    expect(await hours()).toHaveLength(24);
  });

  it("makes partitions for the coming days and drops those whose time is over", async () => {
    const parts = async () => {
      const rows = await env.sql<{ name: string }>`
        select relname as name from pg_class where relname ~ '^checks_\\d{8}$' order by relname`;
      return rows.map((row) => row.name.slice(7));
    };
    await applyRetention(env.sql, { rawCheckDays: 2 });
    expect(await parts()).toEqual(expect.arrayContaining(["20260228", "20260301", "20260302", "20260303", "20260304"]));
    await env.clock.advance(4 * 86_400);
    await applyRetention(env.sql, { rawCheckDays: 2 });
    const left = (await parts()).filter((name) => name < "20260401");
    expect(left).toEqual(["20260303", "20260304", "20260305", "20260306", "20260307", "20260308"]);
  });

  it("moves what fell into the default partition to its day", async () => {
    await addMonitor(env.sql);
    await env.clock.advance(30 * 86_400); // nobody made partitions for a month
    await addChecks(env.sql, [{}]);
    await applyRetention(env.sql, { rawCheckDays: 7 });
    const [count] = await env.sql`
      select (select count(*)::int from checks_default) as left, (select count(*)::int from checks) as all`;
    expect(count).toEqual({ left: 0, all: 1 });
  });

  it("keeps the last status before the 90 days", async () => {
    const id = await addMonitor(env.sql);
    await changed(id, 1, { status: "up", minutes: 0 });
    await changed(id, 2, { status: "down", minutes: 10 });
    await env.clock.advance(100 * 86_400);
    await addStatusChanges(env.sql, [{ monitorId: id, version: 3, status: "up" }]);
    await applyRetention(env.sql, { rawCheckDays: 7 });
    const rows = await env.sql`select version from status_changes order by version`;
    expect(rows).toEqual([{ version: 2 }, { version: 3 }]);
  });
});
