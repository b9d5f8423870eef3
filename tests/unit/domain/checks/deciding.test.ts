import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { applyResults } from "../../../../domain/checks/apply-results.ts";
import { claimDueChecks } from "../../../../domain/checks/claim-due-checks.ts";
import type { Job } from "../../../../domain/checks/job.ts";
import { handleStatusChanges } from "../../../../domain/incidents/handle-status-changes.ts";
import { aResult } from "../../../../testing/factories.ts";
import { addChannel, addMonitor, makeDue, makeSchedulesDue } from "../../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const start = new Date("2026-03-01T12:00:00Z");
let env: TestEnv;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set(start);
});
afterAll(() => env.close());

interface Row {
  id: string;
  status: string;
  statusSince: Date;
  nextCheckAt: Date;
  version: number;
  incident: { id: string } | null;
}

async function monitor(id: string): Promise<Row> {
  const [row] = await env.sql<Row>`
    select id, status, status_since as "statusSince", next_check_at as "nextCheckAt", version, incident
    from monitors where id = ${id}`;
  if (row === undefined) throw new Error("no such monitor");
  return row;
}

async function claim(): Promise<readonly Job[]> {
  await makeSchedulesDue(env.sql);
  return (await claimDueChecks(env.sql)).jobs;
}

/** One check of the monitor now, by the test's clock. */
async function check(id: string, outcome: string): Promise<Row> {
  await makeDue(env.sql, [id]);
  const job = (await claim()).find((each) => each.monitorId === id);
  if (job === undefined) throw new Error("the monitor was not given out");
  await applyResults(env.sql, [aResult(job, { outcome })]);
  return monitor(id);
}

/** Checks 10 s apart. */
async function checks(id: string, ...outcomes: string[]): Promise<string[]> {
  const statuses: string[] = [];
  for (const outcome of outcomes) {
    statuses.push((await check(id, outcome)).status);
    await env.clock.advance(10);
  }
  return statuses;
}

async function notified(): Promise<string[]> {
  const rows = await env.sql<{ type: string }>`select type from deliveries order by monitor_id, event_number`;
  return rows.map((row) => row.type);
}

describe("deciding", () => {
  it("is up after the first success and down after as many failures in a row as the threshold says", async () => {
    const id = await addMonitor(env.sql);
    const statuses = await checks(id, "ok", "status", "timeout", "ok", "status", "dns", "connect", "status");
    expect(statuses).toEqual(["up", "up", "up", "up", "up", "up", "down", "down"]);
  });

  it("is up again after as many successes in a row as the threshold says", async () => {
    const id = await addMonitor(env.sql, { failureThreshold: 1, recoveryThreshold: 3 });
    const statuses = await checks(id, "ok", "tls", "ok", "ok", "tls", "ok", "ok", "ok");
    expect(statuses).toEqual(["up", "down", "down", "down", "down", "down", "down", "up"]);
  });

  it("dates a downtime from its first failure, and its end from the first success", async () => {
    const id = await addMonitor(env.sql);
    await checks(id, "ok", "status", "status", "status");
    expect((await monitor(id)).statusSince).toEqual(new Date("2026-03-01T12:00:10Z"));
    await checks(id, "ok", "ok");
    expect((await monitor(id)).statusSince).toEqual(new Date("2026-03-01T12:00:40Z"));
  });

  it("checks at double speed after a failure until it is confirmed, and never under 5 s apart", async () => {
    const id = await addMonitor(env.sql, { intervalSeconds: 60 });
    const quick = await addMonitor(env.sql, { intervalSeconds: 8 });
    await check(id, "ok");
    expect((await check(id, "status")).nextCheckAt).toEqual(new Date("2026-03-01T12:00:30Z"));
    expect((await check(quick, "status")).nextCheckAt).toEqual(new Date("2026-03-01T12:00:05Z"));
    await check(id, "status");
    const down = await check(id, "status");
    const [slot] = await env.sql<{ at: Date }>`
      select next_slot(phase, 60, app_now() + interval '1 s') as at from monitors where id = ${id}`;
    expect([down.status, down.nextCheckAt]).toEqual(["down", slot?.at]);
  });

  it("keeps a monitor's checks an interval apart, whatever the answers take", async () => {
    const id = await addMonitor(env.sql, { intervalSeconds: 60 });
    const first = (await check(id, "ok")).nextCheckAt;
    await env.clock.set(new Date(first.getTime() + 7000));
    const [job] = await claim();
    if (job === undefined) throw new Error("the monitor was not given out");
    await applyResults(env.sql, [aResult(job, { outcome: "ok" })]);
    expect((await monitor(id)).nextCheckAt.getTime() - first.getTime()).toBe(60_000);
  });

  it("does not notify pending to up, and notifies pending to down", async () => {
    await addChannel(env.sql);
    const [well, ill] = [await addMonitor(env.sql), await addMonitor(env.sql, { failureThreshold: 1 })];
    await check(well, "ok");
    await check(ill, "status");
    await handleStatusChanges(env.sql, [well, ill]);
    expect(await notified()).toEqual(["monitor.down"]);
  });

  it("decides on a result once, however often and in whatever order it comes", async () => {
    const id = await addMonitor(env.sql, { failureThreshold: 2 });
    const jobs: Job[] = [];
    for (let n = 0; n < 4; n++) {
      await makeDue(env.sql, [id]);
      jobs.push(...(await claim()));
    }
    const [a, b, c, d] = jobs.map((job) => job);
    if (!a || !b || !c || !d) throw new Error("four slots were to be given out");
    await applyResults(env.sql, [aResult(a, { outcome: "ok" })]);
    await applyResults(env.sql, [aResult(c, { outcome: "status" })]);
    for (let n = 0; n < 3; n++)
      await applyResults(env.sql, [
        aResult(c, { outcome: "status" }),
        aResult(b, { outcome: "status" }),
        aResult(a, { outcome: "ok" }),
      ]);
    expect((await monitor(id)).status).toBe("up");
    await applyResults(env.sql, [aResult(d, { outcome: "status" }), aResult(d, { outcome: "status" })]);
    const down = await monitor(id);
    expect([down.status, down.version]).toEqual(["down", 2]);
    const rows = await env.sql`select outcome from checks where monitor_id = ${id}`;
    expect(rows).toHaveLength(3);
  });

  it("applies several results of one monitor in one call in the order of their slots", async () => {
    const id = await addMonitor(env.sql, { failureThreshold: 2 });
    await check(id, "ok");
    const slots = [2, 3].map((seq) => ({ monitorId: id, revision: 1, seq, dueAt: start.toISOString() }));
    await applyResults(
      env.sql,
      slots.reverse().map((slot) => aResult(slot, { outcome: "status" })),
    );
    expect((await monitor(id)).status).toBe("down");
  });

  it.each([
    ["of another revision", "revision = 2"],
    ["for a paused monitor", "status = 'paused'"],
    ["for a deleted monitor", "deleted_at = app_now()"],
  ])("drops a result %s", async (_, change) => {
    const id = await addMonitor(env.sql, { failureThreshold: 1 });
    const [job] = await claim();
    if (job === undefined) throw new Error("the monitor was not given out");
    await env.sql.script(`update monitors set ${change}`);
    expect(await applyResults(env.sql, [aResult(job, { outcome: "status" })])).toEqual([]);
    expect((await monitor(id)).version).toBe(0);
  });
});

describe("giving out checks", () => {
  it("gives a slot to one asker", async () => {
    await addMonitor(env.sql);
    const claims = await Promise.all([claim(), claim(), claim()]);
    expect(claims.flat()).toHaveLength(1);
  });

  it("gives nothing out before the schedule is due, and says when it is", async () => {
    await claim();
    await addMonitor(env.sql);
    const early = await claimDueChecks(env.sql);
    expect([early.jobs, early.nextInMs]).toEqual([[], 4500]);
  });

  it("gives a slot out again when no result came within its lease, and not before", async () => {
    await addMonitor(env.sql); // 10 s of time-out and 20 s
    await claim();
    await env.clock.advance(24);
    expect(await claim()).toEqual([]);
    await env.clock.advance(2);
    expect(await claim()).toMatchObject([{ seq: 2 }]);
  });

  it("gives a slot out again at once when no process runs that could have it", async () => {
    await addMonitor(env.sql, { intervalSeconds: 600 });
    expect(await claim()).toHaveLength(1);
    expect(await claim()).toEqual([]);
    await env.sql`select free_leases()`;
    expect(await claim()).toHaveLength(1);
  });

  it("gives out what is due within 5 s, with the time to wait", async () => {
    const id = await addMonitor(env.sql, { nextCheckAt: 4 });
    expect(await claim()).toMatchObject([{ monitorId: id, waitMs: 4000 }]);
  });

  it("says which result would change nothing", async () => {
    const id = await addMonitor(env.sql, { failureThreshold: 2 });
    const quiet = async () => {
      await makeDue(env.sql, [id]);
      return (await claim()).map((job) => job.quietIf);
    };
    expect(await quiet()).toEqual([null]); // pending: any answer may change it
    await check(id, "ok");
    expect(await quiet()).toEqual([true]);
    await check(id, "status");
    expect(await quiet()).toEqual([null]);
    await check(id, "status");
    expect(await quiet()).toEqual([false]);
  });

  it("passes over paused and deleted monitors", async () => {
    await addMonitor(env.sql, { status: "paused" });
    await addMonitor(env.sql, { deletedAt: 0 });
    expect(await claim()).toEqual([]);
  });
});

describe("handling status changes", () => {
  it("opens an incident dated from the first failure, with its cause, and resolves it", async () => {
    const id = await addMonitor(env.sql, { failureThreshold: 2, recoveryThreshold: 1 });
    await checks(id, "ok", "status", "timeout");
    await handleStatusChanges(env.sql, [id]);
    const cause = { outcome: "status", statusCode: 500, detail: "It was status." };
    expect(await incidents()).toMatchObject([
      { started_at: at(10), confirmed_at: at(20), resolved_at: null, resolution: null, cause },
    ]);
    await checks(id, "ok");
    await handleStatusChanges(env.sql, [id]);
    expect(await incidents()).toMatchObject([{ started_at: at(10), resolved_at: at(30), resolution: "recovered" }]);
  });

  it("handles several pending changes in their order", async () => {
    await addChannel(env.sql);
    const id = await addMonitor(env.sql, { failureThreshold: 1, recoveryThreshold: 1 });
    await checks(id, "ok", "status", "ok", "status", "ok", "status");
    await handleStatusChanges(env.sql, [id]);
    expect((await incidents()).map((incident) => incident["resolution"])).toEqual(["recovered", "recovered", null]);
    expect(await notified()).toEqual(["down", "up", "down", "up", "down"].map((type) => `monitor.${type}`));
    const down = await monitor(id);
    expect(down.incident?.id).toBe((await incidents()).at(-1)?.["id"]);
  });

  it("numbers a monitor's events by themselves, not by its status changes", async () => {
    const channel = await addChannel(env.sql);
    const id = await addMonitor(env.sql, { failureThreshold: 1, recoveryThreshold: 1 });
    await checks(id, "ok", "unknown", "status", "unknown", "ok");
    await handleStatusChanges(env.sql, [id]);
    expect((await monitor(id)).version).toBe(5);
    const rows = await env.sql`
      select id, event_id, event_number, data->'incident'->>'id' as incident from deliveries order by event_number`;
    const name = id.slice(4);
    expect(rows).toEqual([
      {
        id: `dlv_${name}_1_${channel.slice(3)}`,
        event_id: `evt_${name}_1`,
        event_number: 1,
        incident: `inc_${name}_1`,
      },
      {
        id: `dlv_${name}_2_${channel.slice(3)}`,
        event_id: `evt_${name}_2`,
        event_number: 2,
        incident: `inc_${name}_1`,
      },
    ]);
  });

  it("says in the event what the monitor is, and which target it has", async () => {
    await addChannel(env.sql);
    const url = "http://127.0.0.1/";
    const id = await addMonitor(env.sql, { name: "m", url, failureThreshold: 1 });
    await checks(id, "status");
    await handleStatusChanges(env.sql, [id]);
    expect(await env.sql`select data->'monitor' as monitor from deliveries`).toEqual([
      { monitor: { id, name: "m", type: "http", target: url } },
    ]);
  });

  it("has nothing to do the second time", async () => {
    await addChannel(env.sql);
    const id = await addMonitor(env.sql, { failureThreshold: 1 });
    await check(id, "status");
    expect((await handleStatusChanges(env.sql, [id])).channelIds).toHaveLength(1);
    expect((await handleStatusChanges(env.sql, [id])).channelIds).toEqual([]);
    expect(await notified()).toEqual(["monitor.down"]);
  });

  it("plans for every default channel, or for exactly those that the monitor names", async () => {
    const [usual, other] = [await addChannel(env.sql), await addChannel(env.sql, { isDefault: false })];
    await addChannel(env.sql, { disabled: true });
    const [all, some, none] = [
      await addMonitor(env.sql, { failureThreshold: 1 }),
      await addMonitor(env.sql, { failureThreshold: 1, channelIds: [other] }),
      await addMonitor(env.sql, { failureThreshold: 1, channelIds: [] }),
    ];
    for (const id of [all, some, none]) await check(id, "status");
    await handleStatusChanges(env.sql, [all, some, none]);
    const planned = await env.sql<{ monitorId: string; channelId: string }>`
      select monitor_id as "monitorId", channel_id as "channelId" from deliveries`;
    expect(new Set(planned.map((each) => `${each.monitorId} ${each.channelId}`))).toEqual(
      new Set([`${all} ${usual}`, `${some} ${other}`]),
    );
  });

  it("notifies that a monitor is up after its incident was resolved by hand, and opens no other incident before", async () => {
    await addChannel(env.sql);
    const id = await addMonitor(env.sql, { failureThreshold: 1, recoveryThreshold: 1 });
    await check(id, "status");
    await handleStatusChanges(env.sql, [id]);
    await env.sql`
      update monitors set incident = incident || jsonb_build_object('resolvedAt', iso(app_now()), 'resolution', 'manual')`;
    await env.sql`update incidents set resolved_at = app_now(), resolution = 'manual'`;
    await checks(id, "status", "status", "ok");
    await handleStatusChanges(env.sql, [id]);
    expect((await incidents()).map((incident) => incident["resolution"])).toEqual(["manual"]);
    const [, up] = await env.sql<{ type: string; resolution: string }>`
      select type, data->'incident'->>'resolution' as resolution from deliveries order by event_number`;
    expect(up).toEqual({ type: "monitor.up", resolution: "manual" });
  });
});

function at(seconds: number): Date {
  return new Date(start.getTime() + seconds * 1000);
}

function incidents(): Promise<Record<string, unknown>[]> {
  return Promise.resolve(env.sql`select * from incidents order by confirmed_at`);
}
