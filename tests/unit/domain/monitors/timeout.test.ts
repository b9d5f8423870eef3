import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { claimDueChecks } from "../../../../domain/checks/claim-due-checks.ts";
import { listMonitors } from "../../../../domain/monitors/list-monitors.ts";
import { MonitorQuery } from "../../../../domain/monitors/schema.ts";
import { pingWatchdog } from "../../../../domain/watchdog/ping-watchdog.ts";
import { addMonitor, makeSchedulesDue } from "../../../../testing/rows.ts";
import { answer } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

let env: TestEnv;
beforeAll(async () => {
  env = await testEnv({ config: { watchdogUrl: "https://watchdog.example.com/a1b2" } });
  await env.clock.set("2026-03-01T12:00:00Z");
  env.http.on(() => answer(200));
});
afterAll(() => env.close());

describe.each([
  [5, null, 4000],
  [12, null, 9600],
  [13, null, 10_000],
  [3600, null, 10_000],
  [60, 1234, 1234],
])("The time-out of a check every %i s, of its own %s ms, is %i ms", (intervalSeconds, own, timeoutMs) => {
  beforeEach(async () => {
    await env.sql`delete from monitors`;
    await addMonitor(env.sql, { intervalSeconds, timeoutMs: own });
  });

  it("in the API", async () => {
    const { items } = await listMonitors(env.sql, z.parse(MonitorQuery, {}));
    expect(items).toMatchObject([{ timeoutMs }]);
  });

  it("when the check is given out", async () => {
    await makeSchedulesDue(env.sql);
    const { jobs } = await claimDueChecks(env.sql);
    expect(jobs.map((job) => job.timeoutMs)).toEqual([timeoutMs]);
  });

  it("when the watchdog asks whether the check is a minute past its end", async () => {
    expect(await pings(60_000 + timeoutMs)).toBe(1);
    expect(await pings(60_001 + timeoutMs)).toBe(0);
  });
});

/** How often the watchdog is called for a canary that arrives while a check has waited for so long. */
async function pings(waitingMs: number): Promise<number> {
  await env.sql`update monitors set waiting_since = app_now() - make_interval(secs => ${waitingMs} / 1000.0)`;
  const [canary] = await env.sql<{ id: string }>`
    update canary set number = number + 1, sent_at = app_now(), checked_at = app_now(), handled_at = app_now(),
      arrived_at = null
    returning 'canary_' || number as id`;
  const before = env.http.calls.length;
  await pingWatchdog(env, canary?.id ?? "", new AbortController().signal);
  return env.http.calls.length - before;
}
