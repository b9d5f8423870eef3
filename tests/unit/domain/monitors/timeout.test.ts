import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { claimDueChecks } from "../../../../domain/checks/claim-due-checks.ts";
import { timeoutFor } from "../../../../domain/monitors/timeout.ts";
import { pingWatchdog } from "../../../../domain/watchdog/ping-watchdog.ts";
import { answer } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

let env: TestEnv;
beforeAll(async () => {
  env = await testEnv({ config: { watchdogUrl: "https://beats.example.com/a1b2" } });
  await env.clock.set("2026-03-01T12:00:00Z");
  env.http.on(() => answer(200));
});
afterAll(() => env.close());

describe.each([
  [5, null],
  [12, null],
  [13, null],
  [3600, null],
  [60, 1234],
])("The time-out of a check every %i s, of its own %s ms,", (intervalSeconds, own) => {
  const timeoutMs = timeoutFor(intervalSeconds, own);
  beforeEach(async () => {
    await env.sql`delete from monitors`;
    await env.sql`
      insert into monitors (name, type, url, method, interval_seconds, timeout_ms, expect, failure_threshold,
        recovery_threshold, next_check_at)
      values ('m', 'http', 'http://a/', 'GET', ${intervalSeconds}, ${own}, '{}', 1, 1, app_now())`;
  });

  it("is the one that the API shows when the check is given out", async () => {
    await env.sql`update schedules set next_run_at = '-infinity' where name = 'enqueue-checks'`;
    const { jobs } = await claimDueChecks(env.sql);
    expect(jobs.map((job) => job.timeoutMs)).toEqual([timeoutMs]);
  });

  it("is the one that the API shows when the heartbeat asks whether the check is a minute past its end", async () => {
    expect(await beats(60_000 + timeoutMs)).toBe(1);
    expect(await beats(60_001 + timeoutMs)).toBe(0);
  });
});

/** How often the heartbeat is given for a canary that comes while a check waits since so long. */
async function beats(waitingMs: number): Promise<number> {
  await env.sql`update monitors set waiting_since = app_now() - make_interval(secs => ${waitingMs} / 1000.0)`;
  const [canary] = await env.sql<{ id: string }>`
    update canary set number = number + 1, sent_at = app_now(), checked_at = app_now(), handled_at = app_now(),
      arrived_at = null
    returning 'canary_' || number as id`;
  const before = env.http.calls.length;
  await pingWatchdog(env, canary?.id ?? "", new AbortController().signal);
  return env.http.calls.length - before;
}
