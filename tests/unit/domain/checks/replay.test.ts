import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyResults } from "../../../../domain/checks/apply-results.ts";
import { claimDueChecks } from "../../../../domain/checks/claim-due-checks.ts";
import type { JobResult } from "../../../../domain/checks/result.ts";
import { leaseDeliveries } from "../../../../domain/deliveries/lease-deliveries.ts";
import { recordDelivered } from "../../../../domain/deliveries/record-attempt.ts";
import { handleStatusChanges } from "../../../../domain/incidents/handle-status-changes.ts";
import { pauseMonitor } from "../../../../domain/monitors/pause-monitor.ts";
import { createPostgresSql } from "../../../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../../../runtime/drivers/sql/sql.ts";
import { createClock, installClock } from "../../../../testing/clock.ts";
import { type CuttingProxy, startCuttingProxy } from "../../../../testing/cutting-proxy.ts";
import { aResult } from "../../../../testing/factories.ts";
import { type OwnPostgres, ownPostgresMissing, startOwnPostgres } from "../../../../testing/postgres.ts";
import { addChannel, addMonitors, makeSchedulesDue, times } from "../../../../testing/rows.ts";

/** Fewer than a channel may have under way, so that it is not this which keeps a lease. */
const MONITORS = 10;
const skipped = ownPostgresMissing === null ? "" : ` (skipped: ${ownPostgresMissing})`;

describe.skipIf(ownPostgresMissing !== null)(`On a real Postgres${skipped}`, () => {
  let server: OwnPostgres;
  let proxy: CuttingProxy;
  let sql: SqlDriver;
  /** Through the proxy, which loses replies. */
  let lossy: SqlDriver;
  let ids: string[];

  beforeAll(async () => {
    server = await startOwnPostgres();
    proxy = await startCuttingProxy(server.port);
    const url = await server.createDatabase();
    sql = createPostgresSql({ url });
    lossy = createPostgresSql({ url: Object.assign(new URL(url), { port: `${proxy.port}` }).href });
    await installClock(sql);
    await addChannel(sql);
    ids = await addMonitors(sql, times(MONITORS, { failureThreshold: 1, recoveryThreshold: 1 }));
  });
  afterAll(async () => {
    await Promise.all([sql?.close(), lossy?.close()]);
    await proxy?.close();
    await server?.stop();
  });

  const clock = () => createClock(sql);
  const count = async (table: "checks" | "status_changes" | "incidents" | "deliveries") => {
    const [row] = await sql<Record<typeof table, number>>`
      select (select count(*)::int from checks) as checks, (select count(*)::int from status_changes) as status_changes,
        (select count(*)::int from incidents) as incidents, (select count(*)::int from deliveries) as deliveries`;
    return row?.[table];
  };
  /** Carries it out, loses the reply, which has a column of this name, and carries it out once more. */
  const twice = async <T>(column: string, work: () => Promise<T>): Promise<T> => {
    const lost = proxy.loseNext(column);
    await expect(work()).rejects.toMatchObject({ code: "database_unavailable" });
    await lost;
    return work();
  };
  const failing = (seq: number): JobResult[] =>
    ids.map((monitorId) =>
      aResult({ monitorId, revision: 1, seq, dueAt: "2026-01-01T00:00:00Z" }, { outcome: "status" }),
    );

  it("eight schedulers at once give each slot out once", async () => {
    const slots: string[] = [];
    for (let round = 0; round < 10; round++) {
      await makeSchedulesDue(sql);
      const claims = await Promise.all(Array.from({ length: 8 }, () => claimDueChecks(sql)));
      slots.push(...claims.flatMap(({ jobs }) => jobs.map(({ monitorId, seq }) => `${monitorId} ${seq}`)));
      await clock().advance(40);
    }
    expect(new Set(slots).size).toBe(slots.length);
    expect(slots).toHaveLength(10 * MONITORS);
  });

  it("checks that were claimed by a lost reply are claimed again when their lease is over, and not before", async () => {
    await makeSchedulesDue(sql);
    const lost = proxy.loseNext("nextInMs");
    await expect(claimDueChecks(lossy)).rejects.toMatchObject({ code: "database_unavailable" });
    await lost;
    await makeSchedulesDue(sql);
    expect((await claimDueChecks(sql)).jobs).toEqual([]);
    await clock().advance(40);
    await makeSchedulesDue(sql);
    expect((await claimDueChecks(sql)).jobs).toHaveLength(MONITORS);
  });

  it("results whose reply was lost change nothing when they are applied again", async () => {
    expect(await twice("monitorId", () => applyResults(lossy, failing(1)))).toEqual([]);
    expect([await count("checks"), await count("status_changes")]).toEqual([MONITORS, MONITORS]);
    const rows = await sql<{
      version: number;
      pending_events: unknown[];
    }>`select version, pending_events from monitors`;
    expect(rows.every(({ version, pending_events }) => version === 1 && pending_events.length === 1)).toBe(true);
  });

  it("status changes whose handling got no reply are handled once", async () => {
    expect(await twice("channelId", () => handleStatusChanges(lossy, ids))).toEqual({ channelIds: [] });
    expect([await count("incidents"), await count("deliveries")]).toEqual([MONITORS, MONITORS]);
    expect(await sql`select from monitors where pending_events <> '[]'`).toEqual([]);
  });

  it("deliveries leased by a lost reply stay leased, and come again when that is over", async () => {
    const [channel] = await sql<{ id: string }>`select id from channels`;
    const lease = () => leaseDeliveries(lossy, [channel?.id ?? ""]);
    expect(await twice("channelConfig", lease)).toEqual([]);
    await clock().advance(31);
    const leased = await lease();
    expect(leased.map(({ attempt }) => attempt)).toEqual(Array.from({ length: MONITORS }, () => 2));

    for (const delivery of leased) {
      expect(await twice("latencyMs", () => recordDelivered(lossy, delivery))).toBeNull();
    }
    const states = await sql`select distinct status, attempts from deliveries`;
    expect(states).toEqual([{ status: "delivered", attempts: 2 }]);
  });

  it("a pause whose reply was lost is one pause", async () => {
    const [id = ""] = ids;
    expect(await twice("interval_seconds", () => pauseMonitor(lossy, id))).toMatchObject({ status: "paused" });
    expect(await sql`select version from monitors where id = ${id}`).toEqual([{ version: 2 }]);
    expect(await sql`select resolution from incidents where monitor_id = ${id}`).toEqual([{ resolution: "paused" }]);
  });
});
