import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { applyResults } from "../../../../domain/checks/apply-results.ts";
import { claimDueChecks } from "../../../../domain/checks/claim-due-checks.ts";
import type { Job } from "../../../../domain/checks/job.ts";
import { handleStatusChanges } from "../../../../domain/incidents/handle-status-changes.ts";
import { getUptime } from "../../../../domain/uptime/get-uptime.ts";
import { rollUp } from "../../../../domain/uptime/roll-up.ts";
import { aResult } from "../../../../testing/factories.ts";
import { addChannel, addMonitor, makeDue, makeSchedulesDue } from "../../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const start = new Date("2026-03-01T12:00:00Z");
let env: TestEnv;
let id: string;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set(start);
  await addChannel(env.sql);
  id = await addMonitor(env.sql, { failureThreshold: 2, recoveryThreshold: 2 });
});
afterAll(() => env.close());

async function claim(): Promise<Job> {
  await makeDue(env.sql);
  await makeSchedulesDue(env.sql);
  const [job] = (await claimDueChecks(env.sql)).jobs;
  if (job === undefined) throw new Error("the monitor was not given out");
  return job;
}

async function status(): Promise<string> {
  const [row] = await env.sql<{ status: string }>`select status from monitors`;
  return row?.status ?? "";
}

const outcomes: Record<string, string> = { "+": "ok", "-": "timeout", "?": "unknown" };

/** Checks 10 s apart; resolves with the status after each. */
async function checks(text: string, handle: () => Promise<unknown> = async () => {}): Promise<string> {
  const statuses: string[] = [];
  for (const mark of text.split(" ")) {
    await applyResults(env.sql, [aResult(await claim(), { outcome: outcomes[mark] ?? "ok" })]);
    statuses.push(await status());
    await handle();
    await env.clock.advance(10);
  }
  return statuses.join(" ");
}

async function notified(): Promise<string> {
  const rows = await env.sql<{ type: string }>`select type from deliveries order by event_number`;
  return rows.map(({ type }) => type.slice("monitor.".length)).join(" ");
}

describe("a result of which nothing is known", () => {
  const stories = [
    ["+ ?", "up unknown", ""],
    ["? +", "unknown up", ""],
    ["+ ? ? +", "up unknown unknown up", ""],
    ["+ ? - -", "up unknown unknown down", "down"],
    ["? - -", "unknown unknown down", "down"],
    ["+ - ? - + -", "up up unknown unknown up up", ""], // what was before counts no more
    ["- ? - -", "pending unknown unknown down", "down"],
    ["- - ?", "pending down unknown", "down"],
    ["- - ? -", "pending down unknown down", "down"], // down again: notified already
    ["- - ? + -", "pending down unknown unknown down", "down"],
    ["- - ? + +", "pending down unknown unknown up", "down up"],
    ["- - + ? + +", "pending down down unknown unknown up", "down up"],
    [
      "- - ? ? - ? + + ? - -",
      "pending down unknown unknown down unknown unknown up unknown unknown down",
      "down up down",
    ],
  ] as const;

  it.each(stories)("%s makes it %s, and notifies: %s", async (text, statuses, events) => {
    expect(await checks(text, () => handleStatusChanges(env.sql, [id]))).toBe(statuses);
    expect(await notified()).toBe(events);
    const [row] = await env.sql<{ open: number; down: boolean }>`
      select (select count(*)::int4 from incidents where resolved_at is null) as open, incident is not null as down
      from monitors`;
    const isDown = events.endsWith("down");
    expect(row).toEqual({ open: isDown ? 1 : 0, down: isDown });
  });

  it.each(stories)(
    "%s makes it %s, and notifies: %s, when all of it is handled late",
    async (text, statuses, events) => {
      expect(await checks(text)).toBe(statuses);
      await handleStatusChanges(env.sql, [id]);
      expect(await notified()).toBe(events);
    },
  );

  it("notifies a recovery once after its incident was resolved by hand", async () => {
    await checks("- -", () => handleStatusChanges(env.sql, [id]));
    await env.sql`
      update monitors set incident = incident || jsonb_build_object('resolvedAt', iso(app_now()), 'resolution', 'manual')`;
    await checks("? - ? + +", () => handleStatusChanges(env.sql, [id]));
    expect(await notified()).toBe("down up");
  });

  it("is left out of the uptime, the time until the next answer with it", async () => {
    await checks("+ ? ? +");
    await env.clock.advance(20);
    const expected = { uptime: 1, upSeconds: 40, downSeconds: 0 };
    expect(await getUptime(env.sql, { id, window: "24h" })).toMatchObject(expected);
    await env.clock.advance(2 * 3600);
    await rollUp(env.sql);
    const [hour] = await env.sql`select up_seconds, down_seconds, checks, failures from rollups_hour order by start`;
    expect(hour).toEqual({ up_seconds: 3600 - 20, down_seconds: 0, checks: 4, failures: 0 });
  });

  it("dates a downtime after it from the first failure that was seen", async () => {
    await checks("+ - ? - -");
    const [row] = await env.sql<{ since: Date }>`select status_since as since from monitors`;
    expect(row?.since).toEqual(new Date(start.getTime() + 30_000));
  });

  it("is dated from its own check, not from the failures before it", async () => {
    await checks("+ - ?");
    const [row] = await env.sql<{ at: Date }>`select at from status_changes where status = 'unknown'`;
    expect(row?.at).toEqual(new Date(start.getTime() + 20_000));
  });

  it("answers no slot: it is given out again when its lease is over", async () => {
    await checks("+");
    const job = await claim();
    await applyResults(env.sql, [aResult(job, { outcome: "unknown" })]);
    const [row] = await env.sql<{ seconds: number }>`
      select extract(epoch from next_check_at - app_now())::float8 as seconds from monitors`;
    expect(row?.seconds).toBe(30); // 10 s of time-out and 20 s
    await applyResults(env.sql, [aResult(job, { outcome: "ok" })]); // the same slot: the entry came again
    expect(await status()).toBe("unknown");
  });

  it("takes back no check that is wanted at once", async () => {
    const job = await claim();
    await makeDue(env.sql);
    await applyResults(env.sql, [aResult(job, { outcome: "unknown" })]);
    const [row] = await env.sql<{ due: boolean }>`select next_check_at <= app_now() as due from monitors`;
    expect(row).toEqual({ due: true });
  });
});
