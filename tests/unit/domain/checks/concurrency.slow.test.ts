import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyResults } from "../../../../domain/checks/apply-results.ts";
import type { JobResult } from "../../../../domain/checks/result.ts";
import { handleStatusChanges } from "../../../../domain/incidents/handle-status-changes.ts";
import { createPostgresSql } from "../../../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../../../runtime/drivers/sql/sql.ts";
import { aResult } from "../../../../testing/factories.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../../testing/postgres.ts";
import { addChannel, addMonitors, times } from "../../../../testing/rows.ts";

const RESULTS = 10_000;
const THRESHOLD = 2;

let postgres: TestPostgres;
let sql: SqlDriver;

/** Numbers that look random and are the same in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Every monitor's results, each slot once, shuffled so far that many come too late. */
function shuffledResults(ids: readonly string[], random: () => number): JobResult[] {
  const results: JobResult[] = [];
  for (let seq = 1; seq <= RESULTS / ids.length; seq++) {
    for (const monitorId of ids) {
      const outcome = random() < 0.5 ? "ok" : "status";
      // The time it took says afterwards which slot was stored.
      results.push(aResult({ monitorId, revision: 1, seq, dueAt: "2026-01-01T00:00:00Z" }, { outcome, totalMs: seq }));
    }
  }
  const reach = ids.length === 1 ? 12 : ids.length;
  for (const [at, result] of results.entries()) {
    const other = Math.min(results.length - 1, at + Math.floor(random() * reach));
    const swapped = results[other];
    if (swapped !== undefined) [results[at], results[other]] = [swapped, result];
  }
  return results;
}

/** As workers send them: up to `size`, in no order of their ids. */
function batches(results: readonly JobResult[], size: number): JobResult[][] {
  const all: JobResult[][] = [];
  for (let at = 0; at < results.length; at += size) all.push(results.slice(at, at + size));
  return all;
}

/** What one who sees the stored results one after the other would decide. */
function model(outcomes: readonly string[]): string[] {
  const statuses: string[] = [];
  let status = "pending";
  let streak = 0;
  let before: string | undefined;
  for (const outcome of outcomes) {
    streak = outcome === before ? streak + 1 : 1;
    before = outcome;
    const next =
      outcome === "ok"
        ? status === "pending" || streak >= THRESHOLD
          ? "up"
          : status
        : streak >= THRESHOLD
          ? "down"
          : status;
    if (next !== status) statuses.push(next);
    status = next;
  }
  return statuses;
}

/** Every slot is given out already. */
async function addAnew(count: number): Promise<string[]> {
  await sql.script("truncate monitors, channels, incidents, deliveries, status_changes, checks");
  await addChannel(sql);
  const monitor = { intervalSeconds: 20, failureThreshold: THRESHOLD, recoveryThreshold: THRESHOLD, seq: RESULTS };
  return addMonitors(sql, times(count, monitor));
}

/** All results by 16 workers at once, and their events by 8 handlers at once, until one throws. Resolves with what was thrown. */
async function race(ids: readonly string[], work: JobResult[][], random: () => number): Promise<unknown[]> {
  const thrown: unknown[] = [];
  let applying = true;
  const apply = async () => {
    for (let batch = work.shift(); batch !== undefined && thrown.length === 0; batch = work.shift()) {
      await applyResults(sql, batch).catch((error) => thrown.push(String(error)));
    }
  };
  const handle = async () => {
    while (applying) {
      const some = ids.filter(() => random() < 60 / ids.length).reverse();
      await handleStatusChanges(sql, some).catch((error) => thrown.push(String(error)));
    }
  };
  const handlers = Array.from({ length: 8 }, handle);
  await Promise.all(Array.from({ length: 16 }, apply));
  applying = false;
  await Promise.all(handlers);
  await handleStatusChanges(sql, ids);
  return thrown;
}

interface Story {
  readonly outcomes: string[];
  readonly statuses: string[] | null;
  readonly notified: string[] | null;
  readonly incidents: string[] | null;
  readonly pending_events: unknown[];
}

async function stories(): Promise<Story[]> {
  return sql<Story>`
    select m.pending_events,
      (select jsonb_agg(outcome order by total_ms) from checks where monitor_id = m.id) as outcomes,
      (select jsonb_agg(status order by version) from status_changes where monitor_id = m.id) as statuses,
      (select jsonb_agg(type order by event_number) from deliveries where monitor_id = m.id) as notified,
      (select jsonb_agg(coalesce(resolution, 'open') order by split_part(id, '_', 3)::int)
        from incidents where monitor_id = m.id) as incidents
    from monitors m`;
}

/** What is wrong with the story that the tables tell of one monitor; nothing in it may be. */
function faults(story: Story): string[] {
  const expected = model(story.outcomes);
  const notified = expected.filter((status, at) => status === "down" || at > 0);
  const incidents = notified.filter((status) => status === "down").map(() => "recovered");
  if (expected.at(-1) === "down") incidents[incidents.length - 1] = "open";
  const found: string[] = [];
  const compare = (what: string, is: unknown, should: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(should)) found.push(`${what}: ${JSON.stringify(is)}`);
  };
  compare("statuses", story.statuses ?? [], expected);
  compare(
    "notified",
    story.notified ?? [],
    notified.map((status) => `monitor.${status}`),
  );
  compare("incidents", story.incidents ?? [], incidents);
  compare("pending_events", story.pending_events, []);
  return found;
}

describe.skipIf(postgresMissing !== null)(`many results at once on Postgres ${postgresMissing ?? ""}`, () => {
  beforeAll(async () => {
    postgres = await startPostgres();
    sql = createPostgresSql({ url: await postgres.createDatabase(), maxConnections: 24, timeoutMs: 60_000 });
  });
  afterAll(async () => {
    await sql?.close();
    await postgres?.stop();
  });

  it.each([
    { monitors: 1, size: 1 },
    { monitors: 500, size: 50 },
  ])(
    "10,000 on $monitors: no event too many, none missed, no deadlock, every incident right",
    async ({ monitors, size }) => {
      const random = createRandom(monitors);
      const ids = await addAnew(monitors);
      const thrown = await race(ids, batches(shuffledResults(ids, random), size), random);
      expect(thrown).toEqual([]);
      const all = await stories();
      expect(all.flatMap(faults)).toEqual([]);
      const changes = all.reduce((sum, story) => sum + (story.statuses?.length ?? 0), 0);
      expect(changes).toBeGreaterThan(monitors * 2); // else there was nothing to get wrong
    },
    120_000,
  );
});
