import { setMaxListeners } from "node:events";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { HttpCall } from "../../../../runtime/drivers/http/http.ts";
import { createUndiciHttp } from "../../../../runtime/drivers/http/undici.ts";
import { serveHttp } from "../../../../testing/http-servers.ts";
import { checkDue, enqueue } from "../../../../testing/pipeline.ts";
import { addChannel, addMonitors, type MonitorRow, makeDue, times } from "../../../../testing/rows.ts";
import { answer, failure } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const controls = ["http://control-a.example/", "http://control-b.example/"];
let env: TestEnv;

beforeEach(async () => {
  env = await testEnv({ config: { connectivityTargets: controls } });
  await env.clock.set("2026-03-01T12:00:00Z");
  await addChannel(env.sql, { systemAlerts: true, config: { url: "http://receiver.example/" } });
});
afterAll(() => env.close());

/** So many monitors, each with a target of its own. */
async function addTargets(count: number, over: MonitorRow = {}): Promise<void> {
  await addMonitors(
    env.sql,
    times(count, (n) => ({
      url: `http://target-${n}.example/`,
      failureThreshold: 1,
      recoveryThreshold: 1,
      ...over,
    })),
  );
}

/** As a host makes it: all the checks of an entry wait on one signal. */
function ctx() {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return env.ctx({ signal });
}

/** A round of checks of everything, now. */
async function checkAll(): Promise<void> {
  await makeDue(env.sql);
  await checkDue(env, ctx());
  await env.close();
}

/** What is due, as it is; the look at the connectivity targets with it. */
async function tick(): Promise<void> {
  await enqueue(env, ctx());
  await env.close();
  await checkDue(env, ctx());
}

async function statuses(): Promise<Record<string, number>> {
  const rows = await env.sql<{ status: string; count: number }>`
    select status, count(*)::int4 as count from monitors group by status`;
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

async function notified(): Promise<Record<string, number>> {
  const rows = await env.sql<{ type: string; count: number }>`
    select type, count(*)::int4 as count from deliveries group by type`;
  return Object.fromEntries(rows.map(({ type, count }) => [type, count]));
}

const isControl = ({ url }: HttpCall) => controls.includes(url);
const controlCalls = () => env.http.calls.filter(isControl).length;

describe("a check without an answer", () => {
  it("asks the connectivity targets, and counts as one answers", async () => {
    await addTargets(30);
    env.http.on(async (call) => {
      if (!isControl(call)) return failure("timeout");
      await setImmediate();
      return answer(204);
    });
    await checkAll();
    expect(await statuses()).toEqual({ down: 30 });
    expect(controlCalls()).toBe(4); // a round for the first, and one for all that failed meanwhile
  });

  it.each(["dns", "connect", "tls", "timeout"] as const)("of kind %s is unknown when none answers", async (kind) => {
    await addTargets(3);
    env.http.on(() => failure(kind));
    await checkAll();
    expect(await statuses()).toEqual({ unknown: 3 });
    expect(await notified()).toEqual({ "system.offline": 1 });
    const [check] = await env.sql<{ outcome: string; detail: string }>`select outcome, detail from checks`;
    expect(check).toEqual({
      outcome: "unknown",
      detail: `Stillup is offline: no connectivity target responded either. It was scripted to fail: ${kind}.`,
    });
    expect(env.logged).toContainEqual({
      level: "ERROR",
      message:
        "Stillup is offline: no connectivity target responds to this process. Monitors without a response become unknown.",
      fields: {},
    });
  });

  it("counts at once where there are no connectivity targets", async () => {
    env = await testEnv();
    await addTargets(2);
    env.http.on(() => failure("timeout"));
    await checkAll();
    expect(await statuses()).toEqual({ down: 2 });
    expect(env.http.calls).toHaveLength(2);
  });

  it("is unknown when the process saw nothing while it went on, though it sees by now", async () => {
    await addTargets(1, { url: "http://refusing.example/" });
    await addTargets(1, { url: "http://hanging.example/" });
    let end = () => {};
    env.http.on(() => failure("connect"));
    env.http.on("http://hanging.example/", async () => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      return { ...failure("timeout"), totalMs: 60_000 };
    });
    const checked = checkAll();
    await expect.poll(statuses).toEqual({ unknown: 1, pending: 1 });
    for (const url of controls) env.http.on(url, () => answer(204));
    end();
    await checked;
    expect(await statuses()).toEqual({ unknown: 2 });
  });

  it("is unknown when it began before the process was found to see again", async () => {
    await addTargets(1);
    env.http.on(() => failure("connect"));
    await checkAll();
    for (const url of controls) env.http.on(url, () => answer(204)); // the network is back as soon as the check failed
    await env.sql`update connectivity set offline_since = null`; // nobody looks in between
    await checkAll();
    expect(await statuses()).toEqual({ unknown: 1 });
    await checkAll();
    expect(await statuses()).toEqual({ down: 1 });
  });

  it("of a target that is down for long asks at most every 30 s", async () => {
    await addTargets(1);
    env.http.on((call) => (isControl(call) ? answer(204) : failure("connect")));
    await checkAll();
    expect(controlCalls()).toBe(2);
    for (let n = 0; n < 5; n++) await checkAll();
    expect(controlCalls()).toBe(2);
    expect(await statuses()).toEqual({ down: 1 });
  });
});

describe("a healthy fleet, and one whose targets answer with errors,", () => {
  it("asks no connectivity target", async () => {
    await addTargets(20);
    env.http.on(({ url }) => (url.includes("target-1") ? answer(500) : answer(200)));
    await checkAll();
    await checkAll();
    expect(await statuses()).toEqual({ up: 9, down: 11 });
    expect(controlCalls()).toBe(0);
  });
});

describe("1,000 monitors while the own network is cut", () => {
  it("raise no alert; when it is back all are checked at once, and those that went down meanwhile are notified", async () => {
    await addTargets(1000, { failureThreshold: 2, intervalSeconds: 3600 });
    env.http.on(() => answer(200));
    await checkAll();
    expect(await statuses()).toEqual({ up: 1000 });

    env.http.on(() => failure("connect"));
    for (let n = 0; n < 4; n++) {
      await checkAll();
      await env.clock.advance(30);
    }
    expect(await statuses()).toEqual({ unknown: 1000 });
    expect(await notified()).toEqual({ "system.offline": 1 });

    // Now, so that nothing but the return of connectivity makes anything due.
    await env.sql`update monitors set next_check_at = app_now() + interval '1 hour'`;
    await tick(); // looks, and sees nothing yet
    expect(await statuses()).toEqual({ unknown: 1000 });
    env.http.on((call) => (/target-(7|77|777)\./.test(call.url) ? failure("timeout") : answer(200)));
    await tick();
    expect(await statuses()).toEqual({ up: 997, unknown: 3 });
    await checkAll();
    expect(await statuses()).toEqual({ up: 997, down: 3 });
    expect(await notified()).toEqual({ "system.offline": 1, "system.online": 1, "monitor.down": 3 });
    const [row] = await env.sql`select offline_since, event_count from connectivity`;
    expect(row).toEqual({ offline_since: null, event_count: 2 });
  });
});

describe("two processes of which one is cut off", () => {
  it("share one offline time: it is notified once, and ends when the process that was cut off is online", async () => {
    await addTargets(2);
    const other = await testEnvBeside(env);
    env.http.on(() => failure("connect"));
    other.http.on(() => answer(200));
    await checkAll();
    await enqueue(other, other.ctx());
    await env.close();
    expect(await notified()).toEqual({ "system.offline": 1 });
    env.http.on(() => answer(200));
    await tick();
    expect(await notified()).toEqual({ "system.offline": 1, "system.online": 1 });
    expect(await statuses()).toEqual({ up: 2 });
  });
});

/** Another process on the same database and streams. */
async function testEnvBeside(first: TestEnv): Promise<TestEnv> {
  const { createMemo } = await import("../../../../runtime/memo.ts");
  const { createScriptedHttp } = await import("../../../../testing/scripted-http.ts");
  return { ...first, memo: createMemo(), http: createScriptedHttp() };
}

describe("over real sockets", () => {
  it("a cut is no outage, and an outage is no cut", async () => {
    const target = await serveHttp((_, response) => response.writeHead(200).end());
    const control = await serveHttp((_, response) => response.writeHead(204).end());
    const http = createUndiciHttp({ policy: "private", concurrency: 10 });
    env = await testEnv({ config: { connectivityTargets: [control.url] } });
    env.http.on((call) => http.call(call));
    await addTargets(1, { url: target.url });
    await checkAll();
    expect(await statuses()).toEqual({ up: 1 });
    await target.close();
    await checkAll();
    expect(await statuses()).toEqual({ down: 1 });
    await control.close();
    await checkAll();
    expect(await statuses()).toEqual({ down: 1 }); // it saw within 30 s, and nothing rests on it
    await env.sql`update monitors set status = 'up', incident = null`;
    await checkAll();
    expect(await statuses()).toEqual({ unknown: 1 });
    await http.close();
  });
});
