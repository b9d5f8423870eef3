import { setImmediate } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { claimDueChecks } from "../../../../domain/checks/claim-due-checks.ts";
import { handleStatusChanges } from "../../../../domain/incidents/handle-status-changes.ts";
import { resolveIncident } from "../../../../domain/incidents/resolve-incident.ts";
import { checkMonitor } from "../../../../domain/monitors/check-monitor.ts";
import { deleteMonitor } from "../../../../domain/monitors/delete-monitor.ts";
import { pauseMonitor } from "../../../../domain/monitors/pause-monitor.ts";
import { resumeMonitor } from "../../../../domain/monitors/resume-monitor.ts";
import { updateMonitor } from "../../../../domain/monitors/update-monitor.ts";
import { createPostgresSql } from "../../../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../../../runtime/drivers/sql/sql.ts";
import { aPendingDown } from "../../../../testing/factories.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../../testing/postgres.ts";
import { addChannel, addMonitor } from "../../../../testing/rows.ts";

/** What one connection cannot show: statements that wait for each other's locks, with snapshots of before. */
describe.skipIf(postgresMissing !== null)(`on a real Postgres${postgresMissing ? `: ${postgresMissing}` : ""}`, () => {
  let server: TestPostgres;
  let sql: SqlDriver;
  let holder: pg.Client;
  let id: string;

  beforeAll(async () => {
    server = await startPostgres();
    const url = await server.createDatabase();
    // Deadlocks are what these tests look for, not a machine that is slow.
    sql = createPostgresSql({ url, connectTimeoutMs: 60_000, timeoutMs: 60_000 });
    holder = new pg.Client(url);
    await holder.connect();
    await addChannel(sql);
  });
  afterAll(async () => {
    await sql?.close();
    await holder?.end();
    await server?.stop();
  });
  beforeEach(async () => {
    id = await addFailing();
  });

  /** A monitor that has just gone down, which nobody has handled yet. */
  const addFailing = () => addMonitor(sql, aPendingDown());

  async function waiting(count: number): Promise<void> {
    for (;;) {
      const [row] = await sql<{ count: number }>`
        select count(*)::int4 as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      if (row?.count === count) return;
      await setImmediate();
    }
  }

  /** Lets all of them wait for the monitor's row, of which the first gets it first; more than two have no order. */
  async function queue(...acts: (() => Promise<unknown>)[]): Promise<unknown[]> {
    const started: Promise<unknown>[] = [];
    await holder.query("begin");
    await holder.query("select from monitors where id = $1 for update", [id]);
    for (const act of acts) {
      started.push(act().catch((error: unknown) => error));
      await waiting(started.length);
    }
    await holder.query("commit");
    return Promise.all(started);
  }

  const handle = () => handleStatusChanges(sql, [id]);

  async function incidents(): Promise<unknown[]> {
    const rows = await sql<{ resolution: string | null }>`select resolution from incidents where monitor_id = ${id}`;
    return rows.map(({ resolution }) => resolution);
  }

  async function row() {
    const [found] = await sql<{ status: string; version: number; incident: object | null; pending_events: unknown[] }>`
      select status, version, incident, pending_events from monitors where id = ${id}`;
    return found;
  }

  it.each([
    ["pause", () => pauseMonitor(sql, id), "paused"],
    ["delete", () => deleteMonitor(sql, id), "deleted"],
  ] as const)("a %s closes an incident that was opened while it waited", async (_what, act, resolution) => {
    await queue(handle, act);
    expect(await incidents()).toEqual([resolution]);
    expect(await row()).toMatchObject({ status: "paused", version: 2, incident: null, pending_events: [] });
  });

  it.each([
    ["delete", () => deleteMonitor(sql, id)],
    ["pause", () => pauseMonitor(sql, id)],
  ] as const)("a %s cancels a delivery that was planned while it waited", async (_what, act) => {
    await queue(handle, act);
    expect(await sql`select status from deliveries where monitor_id = ${id}`).toEqual([{ status: "cancelled" }]);
  });

  it.each([
    ["pause", () => pauseMonitor(sql, id)],
    ["delete", () => deleteMonitor(sql, id)],
  ] as const)("a %s that comes first leaves nothing to open", async (_what, act) => {
    await queue(act, handle);
    expect(await incidents()).toEqual([]);
    expect(await sql`select from deliveries where monitor_id = ${id}`).toEqual([]);
  });

  it("an incident is resolved once, though a pause and a hand resolve it at once", async () => {
    await handle();
    const [incident] = await sql<{ id: string }>`select id from incidents where monitor_id = ${id}`;
    const resolve = () => resolveIncident(sql, incident?.id ?? "");
    const [, answer] = await queue(() => pauseMonitor(sql, id), resolve);
    expect(await incidents()).toEqual(["paused"]);
    expect(answer).toMatchObject({ incident: { status: "resolved", resolution: "paused" } });
    expect(await row()).toMatchObject({ incident: null });
  });

  it("a check answers that the monitor was paused while it waited", async () => {
    const [, checked] = await queue(
      () => pauseMonitor(sql, id),
      () => checkMonitor(sql, id),
    );
    expect(checked).toMatchObject({ code: "monitor_paused" });
  });

  it("a resume ends a pause that came while it waited", async () => {
    const [, resumed] = await queue(
      () => pauseMonitor(sql, id),
      () => resumeMonitor(sql, id),
    );
    expect(resumed).toMatchObject({ status: "pending" });
    expect(await row()).toMatchObject({ status: "pending", version: 3 });
  });

  it("whatever waits for a monitor that is deleted meanwhile finds none", async () => {
    const [, ...others] = await queue(
      () => deleteMonitor(sql, id),
      () => pauseMonitor(sql, id),
      () => resumeMonitor(sql, id),
      () => checkMonitor(sql, id),
      () => updateMonitor({ sql, config: {} }, { id, patch: { name: "Other" } }),
      () => deleteMonitor(sql, id),
    );
    expect(others).toEqual(others.map(() => expect.objectContaining({ code: "not_found" })));
  });

  it("one monitor paused by many at once has changed once", async () => {
    await queue(...Array.from({ length: 5 }, () => () => pauseMonitor(sql, id)));
    expect(await row()).toMatchObject({ version: 2 });
    expect(await sql`select from status_changes where monitor_id = ${id}`).toHaveLength(1);
  });

  it("changes of one monitor at once are all kept", async () => {
    const patches = [
      { name: "a" },
      { tags: ["b"] },
      { failureThreshold: 7 },
      { recoveryThreshold: 8 },
      { method: "PUT" },
    ] as const;
    await queue(...patches.map((patch) => () => updateMonitor({ sql, config: {} }, { id, patch })));
    const [changed] = await sql`
      select name, tags, failure_threshold, recovery_threshold, config->>'method' as method, revision
      from monitors where id = ${id}`;
    expect(changed).toEqual({
      name: "a",
      tags: ["b"],
      failure_threshold: 7,
      recovery_threshold: 8,
      method: "PUT",
      revision: 2,
    });
  });

  it("everything at once on some monitors fails nothing and deadlocks nothing", async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, addFailing));
    const acts: ((each: string) => Promise<unknown>)[] = [
      (each) => pauseMonitor(sql, each),
      (each) => resumeMonitor(sql, each),
      (each) => checkMonitor(sql, each).catch((error: { code: string }) => expect(error.code).toBe("monitor_paused")),
      () => handleStatusChanges(sql, ids),
      () => claimDueChecks(sql),
    ];
    const changes = [5, 6, 7].map(
      (intervalSeconds) => (each: string) =>
        updateMonitor({ sql, config: {} }, { id: each, patch: { intervalSeconds } }),
    );
    const all = [...Array.from({ length: 25 }, () => acts).flat(), ...changes];
    const failed: unknown[] = [];
    await Promise.all(all.flatMap((act) => ids.map((each) => act(each).catch((error: unknown) => failed.push(error)))));
    expect(failed).toEqual([]);
    await Promise.all(ids.map((each) => pauseMonitor(sql, each)));
    const open = await sql`select id from incidents where resolved_at is null and monitor_id = any(${ids}::text[])`;
    expect(open).toEqual([]);
  });
});
