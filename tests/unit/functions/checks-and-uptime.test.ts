import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { applyRetention } from "../../../domain/retention/apply-retention.ts";
import { rollUp } from "../../../domain/uptime/roll-up.ts";
import { aMonitor } from "../../../testing/factories.ts";
import { type Api, api, type Json } from "../../../testing/routes.ts";
import { addChecks, addIncident, addStatusChanges } from "../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

const now = new Date("2026-03-01T12:34:56.789Z");
let env: TestEnv;
let call: Api["send"];
let id: string;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set(now);
  call = api(env).send;
  id = (await call("POST", "/v1/monitors", aMonitor())).body.id;
});
afterAll(() => env.close());

/** So many seconds before now. */
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);
const HOUR = 3600;
const DAY = 24 * HOUR;

/** The monitor became these, so many seconds ago, and was made then. */
async function became(...changes: (readonly [secondsAgo: number, status: string])[]): Promise<void> {
  await addStatusChanges(
    env.sql,
    changes.map(([seconds, status], index) => ({ monitorId: id, version: index + 1, at: ago(seconds), status })),
  );
  await env.sql`update monitors set rolled_up_to = date_trunc('hour', ${ago(changes[0]?.[0] ?? 0)}::timestamptz, 'UTC')`;
}

async function rollUpAll(): Promise<void> {
  for (let hours = 0; hours < 91 * 24; hours += 48) await rollUp(env.sql);
}

async function uptime(window?: string): Promise<Json> {
  const query = window === undefined ? "" : `?window=${window}`;
  const { status, body } = await call("GET", `/v1/monitors/${id}/uptime${query}`);
  expect(status).toBe(200);
  return body;
}

describe("a monitor's checks", () => {
  it("are listed newest first, with what was found", async () => {
    const ok = { outcome: "ok", statusCode: 200, totalMs: 12.1, detail: null };
    const okPhases = { dnsMs: 0.1, connectMs: 1.2, tlsMs: 3.3, firstByteMs: 4.4, bodyMs: 0.7 };
    const refused = { outcome: "connect", statusCode: null, totalMs: 0.3, detail: "Refused." };
    const refusedPhases = { dnsMs: 0.1, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs: null };
    await addChecks(env.sql, [
      { monitorId: id, at: -20, ...ok, ...okPhases },
      { monitorId: id, at: -10, ...refused, ...refusedPhases },
      { monitorId: "mon_other", at: 0, ...ok, ...okPhases },
    ]);
    const { status, body } = await call("GET", `/v1/monitors/${id}/checks`);
    expect(status).toBe(200);
    expect(body.items).toEqual([
      {
        at: "2026-03-01T12:34:46.789Z",
        outcome: "connect",
        statusCode: null,
        totalMs: 0.3,
        phases: { dnsMs: 0.1, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs: null },
        detail: "Refused.",
      },
      {
        at: "2026-03-01T12:34:36.789Z",
        outcome: "ok",
        statusCode: 200,
        totalMs: 12.1,
        phases: { dnsMs: 0.1, connectMs: 1.2, tlsMs: 3.3, firstByteMs: 4.4, bodyMs: 0.7 },
        detail: null,
      },
    ]);
  });
});

describe("a monitor's uptime", () => {
  it("is null while nothing is known", async () => {
    expect(await uptime()).toEqual({
      window: "24h",
      from: "2026-02-28T12:34:56.789Z",
      to: "2026-03-01T12:34:56.789Z",
      uptime: null,
      upSeconds: 0,
      downSeconds: 0,
      unknownSeconds: DAY,
      incidents: 0,
    });
  });

  it("is the part of the known time that it was up, to the second, rolled up or not", async () => {
    await became([3 * DAY, "up"], [10 * HOUR, "down"], [10 * HOUR - 600, "up"], [100, "down"], [40, "up"]);
    const known = { upSeconds: DAY - 660, downSeconds: 660, unknownSeconds: 0, uptime: (DAY - 660) / DAY };
    expect(await uptime("24h")).toMatchObject(known);
    await rollUp(env.sql);
    expect(await uptime("24h")).toMatchObject(known);
    await rollUpAll();
    expect(await uptime("24h")).toMatchObject(known);
  });

  it("leaves out what was paused, pending or unknown, and the time before the monitor was there", async () => {
    await became([5 * HOUR, "up"], [4 * HOUR, "paused"], [3 * HOUR, "pending"], [2 * HOUR, "down"], [HOUR, "unknown"]);
    const known = { upSeconds: HOUR, downSeconds: HOUR, uptime: 0.5 };
    expect(await uptime("24h")).toMatchObject({ ...known, unknownSeconds: 22 * HOUR });
    await rollUpAll();
    expect(await uptime("7d")).toMatchObject({ ...known, window: "7d", unknownSeconds: 7 * DAY - 2 * HOUR });
  });

  it("begins in the middle of an hour, which is counted in part", async () => {
    await became([2 * DAY, "down"], [DAY - 60, "up"]);
    const known = { upSeconds: DAY - 60, downSeconds: 60 };
    expect(await uptime()).toMatchObject(known);
    await rollUpAll();
    expect(await uptime()).toMatchObject(known);
  });

  it("counts a window that begins on the hour once", async () => {
    await env.clock.set("2026-03-01T12:00:00Z");
    await addStatusChanges(env.sql, [
      { monitorId: id, version: 1, at: "2026-02-01T00:00:00Z", status: "up" },
      { monitorId: id, version: 2, at: "2026-02-28T12:00:00Z", status: "down" },
    ]);
    await env.sql`update monitors set rolled_up_to = '2026-02-01'`;
    await rollUpAll();
    expect(await uptime()).toMatchObject({ upSeconds: 0, downSeconds: DAY, unknownSeconds: 0 });
  });

  it("is from the roll-ups where those are: over 90 days it reads no more statuses than it must", async () => {
    await became([100 * DAY, "up"], [50 * DAY, "down"], [49 * DAY, "up"]);
    await rollUpAll();
    await applyRetention(env.sql, { rawCheckDays: 7 });
    const known = { upSeconds: 89 * DAY, downSeconds: DAY, unknownSeconds: 0 };
    expect(await uptime("90d")).toMatchObject(known);
    const hours = "from rollups_hour where start >= '2026-01-05' and start < '2026-01-06'";
    expect(await env.sql([`delete ${hours} returning start`] as never)).toHaveLength(24);
    expect(await uptime("90d")).toMatchObject({ ...known, upSeconds: 88 * DAY, unknownSeconds: DAY });
    expect(await uptime("30d")).toMatchObject({ upSeconds: 30 * DAY, downSeconds: 0 });
  });

  it("counts the hours that are to be rolled up again from the statuses", async () => {
    await became([3 * DAY, "up"]);
    await rollUpAll();
    await addStatusChanges(env.sql, [{ monitorId: id, version: 2, at: ago(3 * HOUR), status: "down" }]);
    await env.sql`
      update monitors set rolled_up_to = date_trunc('hour', ${ago(3 * HOUR)}::timestamptz, 'UTC')`;
    expect(await uptime()).toMatchObject({ downSeconds: 3 * HOUR, upSeconds: 21 * HOUR });
  });

  it("counts the incidents that touch the window", async () => {
    const incidents: (readonly [from: number, to: number | null])[] = [
      [3 * DAY, 2 * DAY],
      [2 * DAY, DAY - 10],
      [HOUR, HOUR / 2],
      [60, null],
    ];
    for (const [from, to] of incidents) {
      const end = to === null ? {} : { resolvedAt: ago(to), resolution: "recovered" };
      await addIncident(env.sql, { monitorId: id, startedAt: ago(from), confirmedAt: ago(from), ...end });
    }
    expect(await uptime("24h")).toMatchObject({ incidents: 3 });
    expect(await uptime("7d")).toMatchObject({ incidents: 4 });
  });
});
