import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nowMs } from "../../testing/monotonic.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { createTruth, type Truth } from "./truth.ts";

describe.skipIf(postgresMissing !== null)(
  `What Postgres holds at the end of a run${postgresMissing === null ? "" : ` (skipped: ${postgresMissing})`}`,
  () => {
    let postgres: TestPostgres;
    let client: pg.Client;
    let truth: Truth;
    const asked: string[] = [];

    beforeAll(async () => {
      postgres = await startPostgres();
      client = new pg.Client(await postgres.createDatabase());
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

    test("is what is still to be told, what came after a monitor was first up, and what became of it", async () => {
      await client.query(`
        insert into monitors (id, name, type, target, form, config, interval_seconds, failure_threshold,
          recovery_threshold, pending_events)
        values ('mon_1', 'A', 'http', 'http://a.example', 1, '{"url": "http://a.example"}', 5, 1, 1, '[]'),
          ('mon_2', 'B', 'http', 'http://b.example', 1, '{"url": "http://b.example"}', 5, 1, 1, '[{}]');
        insert into status_changes (monitor_id, version, status, at, decided_at)
        values ('mon_1', 1, 'unknown', app_now(), app_now()), ('mon_1', 2, 'up', app_now(), app_now()),
          ('mon_1', 4, 'unknown', app_now(), app_now()),
          ('mon_1', 3, 'down', app_now() - interval '2 hours', app_now() - interval '1 hour'),
          ('mon_2', 1, 'down', app_now(), app_now());
        insert into deliveries (id, event_id, channel_id, monitor_id, event_number, type, data, occurred_at, status)
        values ('dlv_1', 'evt_1', 'ch_1', 'mon_1', 3, 'monitor.down', '{}', app_now(), 'pending'),
          ('dlv_3', 'evt_3', 'ch_1', 'system', 2, 'system.online', '{}', app_now(), 'delivered'),
          ('dlv_2', 'evt_2', 'ch_1', 'system', 1, 'system.offline', '{}', app_now(), 'delivered');
        insert into incidents (id, monitor_id, started_at, confirmed_at, resolved_at, resolution, cause)
        values ('inc_1', 'mon_1', app_now(), app_now(), null, null, '{}'),
          ('inc_2', 'mon_1', app_now(), app_now(), app_now(), 'recovered', '{}');
        insert into checks (monitor_id, at, outcome, total_ms)
        values ('mon_1', app_now(), 'ok', 1), ('mon_1', app_now(), 'unknown', 1);
        insert into dead_letters (stream, message_id, body, reason, attempts) values ('checks.due', '1-0', '', 'odd', 5);
        update connectivity set event_count = 2;
      `);
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
