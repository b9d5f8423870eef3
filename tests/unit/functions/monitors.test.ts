import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { updateMonitor } from "../../../domain/monitors/update-monitor.ts";
import { SLEEPING_SCHEDULES } from "../../../runtime/contract.ts";
import type { Sql, SqlValue } from "../../../runtime/drivers/sql/sql.ts";
import { aChannel, aMonitor } from "../../../testing/factories.ts";
import { type Api, api, type Json } from "../../../testing/routes.ts";
import { addDelivery } from "../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

const start = "2026-03-01T12:00:00.000Z";
let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set(start);
  call = api(env).send;
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => env.close());

async function add(over: object = {}): Promise<Json> {
  const { status, body } = await call("POST", "/v1/monitors", aMonitor(over));
  expect(status).toBe(201);
  return body;
}

interface Row {
  revision: number;
  version: number;
  streak: number;
  dueInSeconds: number;
  pending_events: unknown[];
  incident: object | null;
}

async function row(id: string): Promise<Row> {
  const [found] = await env.sql<Row>`
    select revision, version, streak, extract(epoch from next_check_at - app_now())::float8 as "dueInSeconds",
      pending_events, incident
    from monitors where id = ${id}`;
  if (found === undefined) throw new Error("no such monitor");
  return found;
}

async function statuses(id: string): Promise<unknown[]> {
  return env.sql`select version, status, at from status_changes where monitor_id = ${id} order by version`;
}

/** A monitor that is being checked: two failures counted, the next check a minute away. */
async function addWorking(over: object = {}): Promise<Json> {
  const monitor = await add(over);
  await env.sql`
    update monitors set status = 'up', version = 1, streak = 2, streak_ok = false, streak_since = app_now(),
      streak_check = '{}', next_check_at = app_now() + interval '60 s' where id = ${monitor.id}`;
  await planNextRun();
  return monitor;
}

/** The schedule that gives checks out runs in 4 s. */
async function planNextRun(): Promise<void> {
  await env.sql`
    insert into schedules (name, next_run_at) values ('enqueue-checks', app_now() + interval '4 s')
    on conflict (name) do update set next_run_at = excluded.next_run_at`;
}

/** Whether it wakes the schedule that gives out checks, and makes it due: the two go together. */
async function wakesSchedule(act: () => Promise<unknown>): Promise<boolean> {
  const wake = vi.spyOn(env.stream, "wake");
  await act();
  const [schedule] = await env.sql<{ due: boolean }>`
    select next_run_at <= app_now() as due from schedules where name = 'enqueue-checks'`;
  expect(wake.mock.calls).toEqual(schedule?.due ? [["enqueue-checks", SLEEPING_SCHEDULES]] : []);
  return wake.mock.calls.length > 0;
}

describe("a new monitor", () => {
  it("has every default, is pending and due at once", async () => {
    const monitor = await add();
    expect(monitor).toEqual({
      ...aMonitor(),
      id: expect.stringMatching(/^mon_[0-9a-f]{20}$/),
      target: aMonitor().url,
      method: "GET",
      headers: {},
      body: null,
      intervalSeconds: 60,
      timeoutMs: 10_000,
      expect: { status: ["200-299"] },
      failureThreshold: 3,
      recoveryThreshold: 2,
      channelIds: null,
      tags: [],
      status: "pending",
      statusSince: start,
      lastCheckAt: null,
      createdAt: start,
      updatedAt: start,
    });
    expect(await row(monitor.id)).toMatchObject({ dueInSeconds: 0, revision: 1 });
  });

  it("keeps everything it was given", async () => {
    const { body: channel } = await call("POST", "/v1/channels", aChannel());
    const given = {
      ...aMonitor(),
      method: "POST",
      headers: { "X-Token": "täst", accept: "*/*" },
      body: '{"a": "😀"}',
      intervalSeconds: 5,
      timeoutMs: 4999,
      expect: { status: ["200", "300-399"], bodyContains: "ok" },
      failureThreshold: 1,
      recoveryThreshold: 10,
      channelIds: [channel.id],
      tags: ["shop", "prod"],
    };
    const monitor = await add(given);
    expect(monitor).toMatchObject(given);
    expect((await call("GET", `/v1/monitors/${monitor.id}`)).body).toEqual(monitor);
  });

  it("takes null for what has a default", async () => {
    const optional = ["method", "headers", "body", "intervalSeconds", "timeoutMs", "expect", "failureThreshold"];
    const nulls = Object.fromEntries(
      [...optional, "recoveryThreshold", "channelIds", "tags"].map((key) => [key, null]),
    );
    const { id: _, ...monitor } = await add(nulls);
    const { id: __, ...other } = await add();
    expect(monitor).toEqual(other);
  });

  it("has a time-out of 80 % of a short interval", async () => {
    expect(await add({ intervalSeconds: 5 })).toMatchObject({ timeoutMs: 4000 });
  });

  it("may name no channel at all", async () => {
    expect(await add({ channelIds: [] })).toMatchObject({ channelIds: [] });
  });

  it("sends a wake-up for its first check", async () => {
    await planNextRun();
    expect(await wakesSchedule(() => add())).toBe(true);
  });

  it("is not added when it names an unknown channel", async () => {
    const { body: channel } = await call("POST", "/v1/channels", aChannel());
    const { body: deleted } = await call("POST", "/v1/channels", aChannel());
    await call("DELETE", `/v1/channels/${deleted.id}`);
    const channelIds = [channel.id, deleted.id, "ch_nothing"];
    const { status, body } = await call("POST", "/v1/monitors", aMonitor({ channelIds }));
    expect(status).toBe(400);
    expect(body.errors.map((error: Json) => error.field)).toEqual(["channelIds[1]", "channelIds[2]"]);
    expect((await call("GET", "/v1/monitors")).body.items).toEqual([]);
  });
});

describe("a change of a monitor", () => {
  it("leaves alone what it does not name", async () => {
    const monitor = await add({ tags: ["a"], headers: { a: "b" } });
    await env.clock.advance(60);
    const { status, body } = await call("PATCH", `/v1/monitors/${monitor.id}`, { name: "Other" });
    expect(status).toBe(200);
    expect(body).toEqual({ ...monitor, name: "Other", updatedAt: "2026-03-01T12:01:00.000Z" });
    expect((await call("GET", `/v1/monitors/${monitor.id}`)).body).toEqual(body);
  });

  it("makes a field its default when that is null", async () => {
    const monitor = await add({ method: "POST", body: "x", intervalSeconds: 5, timeoutMs: 700, channelIds: [] });
    const patch = { method: null, body: null, intervalSeconds: null, timeoutMs: null, channelIds: null };
    const { body } = await call("PATCH", `/v1/monitors/${monitor.id}`, patch);
    expect(body).toMatchObject({ ...patch, method: "GET", intervalSeconds: 60, timeoutMs: 10_000 });
  });

  it.each([
    { url: "https://other.example.com" },
    { method: "DELETE" },
    { headers: { a: "b" } },
    { expect: { status: ["204"] } },
    { expect: { bodyContains: "ok" } },
    { method: "PUT", body: "x" },
  ])("counts from zero, and checks at once, when what is checked changes: %j", async (patch) => {
    const { id } = await addWorking();
    expect(await wakesSchedule(() => call("PATCH", `/v1/monitors/${id}`, patch))).toBe(true);
    expect(await row(id)).toMatchObject({ revision: 2, streak: 0, dueInSeconds: 0, version: 1 });
  });

  it.each([{ intervalSeconds: 30 }, { timeoutMs: 500 }])(
    "checks at once, and counts on, when only the time changes: %j",
    async (patch) => {
      const { id } = await addWorking();
      expect(await wakesSchedule(() => call("PATCH", `/v1/monitors/${id}`, patch))).toBe(true);
      expect(await row(id)).toMatchObject({ revision: 1, streak: 2, dueInSeconds: 0 });
    },
  );

  it.each([
    { name: "Other" },
    { tags: ["x"] },
    { failureThreshold: 1 },
    { recoveryThreshold: 5 },
    { channelIds: [] },
    { url: aMonitor().url, headers: { b: "2", a: "1" }, expect: { status: ["200-299"] }, intervalSeconds: 60 },
    {},
  ])("goes on as before when nothing of that is different: %j", async (patch) => {
    const { id } = await addWorking({ headers: { a: "1", b: "2" } });
    expect(await wakesSchedule(() => call("PATCH", `/v1/monitors/${id}`, patch))).toBe(false);
    expect(await row(id)).toMatchObject({ revision: 1, streak: 2, dueInSeconds: 60 });
  });

  it("leaves status, incident and pending events as they are", async () => {
    const { id } = await addWorking();
    await env.sql`update monitors set status = 'down', pending_events = '[{"number": 1}]', incident = '{"id": "inc_1"}'`;
    const { body } = await call("PATCH", `/v1/monitors/${id}`, { url: "https://other.example.com" });
    expect(body.status).toBe("down");
    expect(await row(id)).toMatchObject({ pending_events: [{ number: 1 }], incident: { id: "inc_1" } });
  });

  it.each([
    [{ intervalSeconds: 5 }, "timeoutMs"],
    [{ method: "GET" }, "body"],
    [{ method: "HEAD", body: null }, "expect.bodyContains"],
    [{ name: "" }, "name"],
    [{ name: null }, "name"],
    [{ channelIds: ["ch_nothing"] }, "channelIds[0]"],
    [{ status: "up" }, "status"],
  ])("is refused when its result would be invalid: %j names %s", async (patch, field) => {
    const given = { method: "POST", body: "x", timeoutMs: 8000, expect: { bodyContains: "ok" } };
    const monitor = await add(given);
    const { status, body } = await call("PATCH", `/v1/monitors/${monitor.id}`, patch);
    expect([status, body.errors.map((error: Json) => error.field)]).toEqual([400, [field]]);
    expect((await call("GET", `/v1/monitors/${monitor.id}`)).body).toEqual(monitor);
  });

  it("is not undone by four others at the same time, even when the clock stands still", async () => {
    const monitor = await add();
    const patches = [
      { name: "a" },
      { tags: ["b"] },
      { failureThreshold: 7 },
      { recoveryThreshold: 8 },
      { method: "PUT" },
    ];
    const answers = await Promise.all(patches.map((patch) => call("PATCH", `/v1/monitors/${monitor.id}`, patch)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const { body } = await call("GET", `/v1/monitors/${monitor.id}`);
    expect(body).toMatchObject(Object.assign({}, ...patches));
  });

  it("gives up with a conflict when others never stop changing the monitor", async () => {
    const { id } = await add();
    const sql = ((strings: TemplateStringsArray, ...values: readonly SqlValue[]) => {
      const isWrite = strings.join("").includes("update monitors");
      return isWrite ? env.sql`select * from monitors where false` : env.sql(strings, ...values);
    }) as Sql; // of which no more is used
    const change = updateMonitor({ ...env, sql }, { id, patch: { name: "Other" } });
    await expect(change).rejects.toMatchObject({ code: "conflict", status: 409 });
  });
});

describe("a pause", () => {
  it("stops the checks, forgets what was counted and not yet notified, and may be repeated", async () => {
    const { id } = await addWorking();
    await env.sql`update monitors set pending_events = '[{"number": 1}]'`;
    await env.clock.advance(10);
    const { status, body } = await call("POST", `/v1/monitors/${id}/pause`);
    expect([status, body.status, body.statusSince]).toEqual([200, "paused", "2026-03-01T12:00:10.000Z"]);
    const paused = await row(id);
    expect(paused).toMatchObject({ version: 2, revision: 2, streak: 0, pending_events: [], incident: null });
    await env.clock.advance(10);
    expect((await call("POST", `/v1/monitors/${id}/pause`)).body).toEqual(body);
    expect(await row(id)).toMatchObject({ version: 2, revision: 2 });
    expect(await statuses(id)).toEqual([{ version: 2, status: "paused", at: new Date("2026-03-01T12:00:10Z") }]);
  });

  it("ends with a resume: pending, with a check at once, which may be repeated", async () => {
    const { id } = await addWorking();
    await call("POST", `/v1/monitors/${id}/pause`);
    await env.clock.advance(10);
    expect(await wakesSchedule(() => call("POST", `/v1/monitors/${id}/resume`))).toBe(true);
    const { status, body } = await call("POST", `/v1/monitors/${id}/resume`);
    expect([status, body.status, body.statusSince]).toEqual([200, "pending", "2026-03-01T12:00:10.000Z"]);
    expect(await row(id)).toMatchObject({ version: 3, revision: 3, dueInSeconds: 0 });
    expect(await statuses(id)).toMatchObject([{ status: "paused" }, { version: 3, status: "pending" }]);
  });

  it("leaves nothing to resume on a monitor that is not paused", async () => {
    const monitor = await addWorking();
    const { body } = await call("POST", `/v1/monitors/${monitor.id}/resume`);
    expect(body).toMatchObject({ status: "up" });
    expect(await row(monitor.id)).toMatchObject({ version: 1, revision: 1, dueInSeconds: 60 });
  });
});

describe("a check now", () => {
  it("makes the monitor due and wakes", async () => {
    const { id } = await addWorking();
    expect(await wakesSchedule(() => call("POST", `/v1/monitors/${id}/check`))).toBe(true);
    expect(await row(id)).toMatchObject({ dueInSeconds: 0, revision: 1, streak: 2 });
    expect(await call("POST", `/v1/monitors/${id}/check`)).toMatchObject({ status: 202, body: { id } });
  });

  it("does not put off a check that is due already", async () => {
    const { id } = await addWorking();
    await env.sql`update monitors set next_check_at = app_now() - interval '3 s'`;
    await call("POST", `/v1/monitors/${id}/check`);
    expect(await row(id)).toMatchObject({ dueInSeconds: -3 });
  });

  it("is refused on a paused monitor", async () => {
    const { id } = await addWorking();
    await call("POST", `/v1/monitors/${id}/pause`);
    const { status, body } = await call("POST", `/v1/monitors/${id}/check`);
    expect([status, body.code]).toEqual([409, "monitor_paused"]);
  });
});

describe("a deleted monitor", () => {
  it("is gone for every route", async () => {
    const { id } = await addWorking();
    expect(await call("DELETE", `/v1/monitors/${id}`)).toMatchObject({ status: 204, body: null });
    const routes = [
      ["GET", ""],
      ["PATCH", "", {}],
      ["DELETE", ""],
      ["POST", "/pause"],
      ["POST", "/resume"],
      ["POST", "/check"],
      ["GET", "/checks"],
      ["GET", "/uptime"],
    ] as const;
    const answers = await Promise.all(
      routes.map(([method, end, body]) => call(method, `/v1/monitors/${id}${end}`, body)),
    );
    expect(answers.map(({ status }) => status)).toEqual(routes.map(() => 404));
    expect((await call("GET", "/v1/monitors")).body.items).toEqual([]);
  });

  it("cancels its pending deliveries, and no others", async () => {
    const [{ id }, other] = [await addWorking(), await add()];
    for (const monitorId of [id, other.id]) {
      await addDelivery(env.sql, { monitorId, eventNumber: 1 });
      await addDelivery(env.sql, { monitorId, eventNumber: 2, status: "delivered" });
    }
    await call("DELETE", `/v1/monitors/${id}`);
    const rows = await env.sql`
      select status, finished_at is not null as finished from deliveries where monitor_id = ${id} order by status`;
    expect(rows).toEqual([
      { status: "cancelled", finished: true },
      { status: "delivered", finished: false },
    ]);
    expect(await env.sql`select id from deliveries where monitor_id = ${other.id} and status = 'pending'`).toHaveLength(
      1,
    );
  });

  it("may have been paused before", async () => {
    const { id } = await addWorking();
    await call("POST", `/v1/monitors/${id}/pause`);
    expect((await call("DELETE", `/v1/monitors/${id}`)).status).toBe(204);
    expect((await call("GET", `/v1/monitors/${id}`)).status).toBe(404);
  });
});

describe("a list of monitors", () => {
  it("shows the newest first, and of those only what the filters ask for", async () => {
    const names: string[] = [];
    for (const [name, tags] of [
      ["a", ["x"]],
      ["b", ["x", "y"]],
      ["c", []],
    ] as const) {
      names.push((await add({ name, tags })).name);
      await env.clock.advance(1);
    }
    await env.sql`update monitors set status = 'down' where name = 'a'`;
    const list = async (query: string) =>
      (await call("GET", `/v1/monitors${query}`)).body.items.map(({ name }: Json) => name);
    expect(await list("")).toEqual(["c", "b", "a"]);
    expect(await list("?tag=x")).toEqual(["b", "a"]);
    expect(await list("?tag=y")).toEqual(["b"]);
    expect(await list("?status=down")).toEqual(["a"]);
    expect(await list("?status=down&tag=y")).toEqual([]);
  });
});
