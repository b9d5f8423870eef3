import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPostgresSql } from "../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../runtime/drivers/sql/sql.ts";
import { nowMs } from "../../testing/monotonic.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import {
  addChecks,
  addDeadLetters,
  addDelivery,
  addIncident,
  addMonitors,
  addStatusChanges,
} from "../../testing/rows.ts";
import { createTruth, type Truth } from "./truth.ts";

describe.skipIf(postgresMissing !== null)(
  `What Postgres holds at the end of a run${postgresMissing === null ? "" : ` (skipped: ${postgresMissing})`}`,
  () => {
    let postgres: TestPostgres;
    let client: pg.Client;
    let sql: SqlDriver;
    let truth: Truth;
    const asked: string[] = [];

    beforeAll(async () => {
      postgres = await startPostgres();
      const url = await postgres.createDatabase();
      sql = createPostgresSql({ url });
      client = new pg.Client(url);
      await client.connect();
      truth = createTruth(
        {
          running: async (service) => [`${service}-1`],
          async exec(container, ...command) {
            asked.push(`${container} ${command[0]}`);
            const { rows } = await client.query({ text: command.at(-1) ?? "", rowMode: "array" });
            return JSON.stringify(rows[0]?.[0]);
          },
        },
        "postgres",
      );
    });
    afterAll(async () => {
      await sql?.close();
      await client?.end();
      await postgres?.stop();
    });

    test("is nothing where nothing was watched", async () => {
      const nothing = {
        changes: [],
        deliveries: [],
        incidents: [],
        connectivity: [],
        connectivityChanges: 0,
        unknownChecks: 0,
      };
      expect(await truth.stored()).toEqual({ ...nothing, deadLetters: 0 });
      expect(await truth.pending()).toEqual({ events: 0, deliveries: 0 });
      expect(await truth.version()).toMatch(/^\d+\./);
      expect(new Set(asked)).toEqual(new Set(["postgres-1 psql"]));
    });

    test("is the pending events, the changes after a monitor was first up, and their outcome", async () => {
      await addMonitors(sql, [
        { id: "mon_1", pendingEvents: [] },
        { id: "mon_2", pendingEvents: [{}] },
      ]);
      await addStatusChanges(sql, [
        { monitorId: "mon_1", version: 1, status: "unknown", at: 0, decidedAt: 0 },
        { monitorId: "mon_1", version: 2, status: "up", at: 0, decidedAt: 0 },
        { monitorId: "mon_1", version: 4, status: "unknown", at: 0, decidedAt: 0 },
        { monitorId: "mon_1", version: 3, status: "down", at: -7200, decidedAt: -3600 },
        { monitorId: "mon_2", version: 1, status: "down", at: 0, decidedAt: 0 },
      ]);
      await addDelivery(sql, { id: "dlv_1", eventId: "evt_1", eventNumber: 3 });
      const ofSystem = { monitorId: "system", status: "delivered" };
      await addDelivery(sql, { ...ofSystem, id: "dlv_3", eventId: "evt_3", eventNumber: 2, type: "system.online" });
      await addDelivery(sql, { ...ofSystem, id: "dlv_2", eventId: "evt_2", eventNumber: 1, type: "system.offline" });
      await addIncident(sql, { id: "inc_1" });
      await addIncident(sql, { id: "inc_2", resolvedAt: 0, resolution: "recovered" });
      await addChecks(sql, [{ outcome: "ok" }, { outcome: "unknown" }]);
      await addDeadLetters(sql, [{}]);
      await sql`update connectivity set event_count = 2`;
      const beforeMs = nowMs();
      const stored = await truth.stored();
      const changes = stored.changes.map(({ atMs: _, ...change }) => change);
      expect(changes).toEqual([
        { monitorId: "mon_1", version: 3, status: "down" },
        { monitorId: "mon_1", version: 4, status: "unknown" },
      ]);
      expect(stored).toMatchObject({
        deliveries: [
          { id: "dlv_1", eventId: "evt_1", status: "pending" },
          { id: "dlv_3", eventId: "evt_3", status: "delivered" },
          { id: "dlv_2", eventId: "evt_2", status: "delivered" },
        ],
        incidents: [
          { monitorId: "mon_1", resolution: null },
          { monitorId: "mon_1", resolution: "recovered" },
        ],
        connectivity: ["system.offline", "system.online"],
        connectivityChanges: 2,
        unknownChecks: 1,
        deadLetters: 1,
      });
      expect(await truth.pending()).toEqual({ events: 1, deliveries: 1 });

      // An hour ago by this process' clock, and nothing seems earlier than it was.
      const [down, unknown] = stored.changes.map(({ atMs }) => atMs);
      expect((unknown ?? 0) - (down ?? 0)).toBeGreaterThan(3_590_000);
      expect(down).toBeGreaterThan(beforeMs - 3_600_000 - 60_000);
      expect(down).toBeLessThan(beforeMs - 3_500_000);
    });
  },
);
