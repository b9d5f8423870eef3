import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { applyResults } from "../../../domain/checks/apply-results.ts";
import { claimDueChecks } from "../../../domain/checks/claim-due-checks.ts";
import type { Sql } from "../../../runtime/drivers/sql/sql.ts";
import { StillupError } from "../../../runtime/errors.ts";
import { createMemo } from "../../../runtime/memo.ts";
import { aMonitor } from "../../../testing/factories.ts";
import { type Api, api, routes } from "../../../testing/routes.ts";
import { addDelivery, addMonitor } from "../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  call = api(env).send;
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
afterAll(() => env.close());

const away = async () => {
  throw new StillupError("stream_unavailable", "It is away.");
};

/** The same bindings, but whatever is asked of the database `fails`. A query does so when it is awaited. */
function withSql(fails: () => Promise<never>): TestEnv {
  // biome-ignore lint/suspicious/noThenProperty: it is what a query of the port is.
  const query: PromiseLike<never> = { then: (...on) => fails().then(...on) };
  const tag = (() => query) as unknown as Sql; // of a query no more is used than that
  const sql = Object.assign(tag, { transaction: fails, script: fails, close: async () => {} });
  const other: TestEnv = {
    ...env,
    sql,
    memo: createMemo(),
    call: (route, request) => route.fetch(request, other, env.ctx()),
  };
  return other;
}

const withoutDatabase = () =>
  withSql(async () => {
    throw new StillupError("database_unavailable", "The database does not answer.");
  });

describe("/healthz", () => {
  it("says that the process is alive, to everybody, without asking another service", async () => {
    const gone = api(withoutDatabase());
    const { status, body } = await gone.sendRequest(new Request("http://stillup.test/healthz"));
    expect([status, body]).toEqual([200, { status: "ok" }]);
  });
});

describe("/readyz", () => {
  const ask = (environment = env) => api(environment).sendRequest(new Request("http://stillup.test/readyz"));

  it("is ready when database and stream answer", async () => {
    expect(await ask()).toMatchObject({ status: 200, body: { status: "ready" } });
  });

  it("says how old the oldest work is, where asking costs nothing", async () => {
    expect((await ask()).body).toEqual({ status: "ready", oldestDueCheckSeconds: 0, oldestUndeliveredSeconds: 0 });
  });

  it("says so where asking costs, only if it was asked within the last minute", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const costly: TestEnv = {
      ...env,
      memo: createMemo(),
      reached: { sql: true, stream: true },
      call: (route, request) => route.fetch(request, costly, env.ctx()),
    };
    const unknown = { status: "ready", oldestDueCheckSeconds: null, oldestUndeliveredSeconds: null };
    expect((await ask(costly)).body).toEqual(unknown);
    await api(costly).send("GET", "/metrics");
    const known = { status: "ready", oldestDueCheckSeconds: 0, oldestUndeliveredSeconds: 0 };
    expect((await ask(costly)).body).toEqual(known);
    vi.advanceTimersByTime(60_001);
    expect((await ask(costly)).body).toEqual(unknown);
  });

  it("names the service that is away", async () => {
    vi.spyOn(env.stream, "ready").mockImplementation(away);
    expect(await ask()).toMatchObject({
      status: 503,
      body: { code: "not_ready", detail: "Not ready: the stream service cannot be reached." },
    });
    const gone = { ...withoutDatabase(), memo: (await testEnv()).memo };
    const response = await api({
      ...gone,
      call: (route, request) => route.fetch(request, gone, env.ctx()),
    }).sendRequest(new Request("http://stillup.test/readyz"));
    expect(response).toMatchObject({
      status: 503,
      body: { detail: "Not ready: the database cannot be reached, and the stream service cannot be reached." },
    });
  });

  it("asks neither where asking costs and the last call reached both", async () => {
    const asked = vi.spyOn(env.stream, "ready").mockImplementation(away);
    const reached = { sql: true, stream: true };
    const gone: TestEnv = {
      ...withoutDatabase(),
      reached,
      call: (route, request) => route.fetch(request, gone, env.ctx()),
    };
    expect((await ask(gone)).status).toBe(200);
    reached.stream = false;
    expect(await ask(gone)).toMatchObject({
      status: 503,
      body: { detail: "Not ready: the stream service cannot be reached." },
    });
    reached.stream = true;
    expect((await ask(gone)).status).toBe(200);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("is not ready while the stream service has no room", async () => {
    vi.spyOn(env.stream, "ready").mockRejectedValue(new StillupError("stream_full", "It is full."));
    expect(await ask()).toMatchObject({
      status: 503,
      body: { detail: "Not ready: the stream service takes no writes." },
    });
  });

  it("is not ready for a while after the database refused a write, whatever it answers since", async () => {
    const refusing: TestEnv = {
      ...env,
      reached: { sql: true, stream: true, writeRefused: true },
      call: (route, request) => route.fetch(request, refusing, env.ctx()),
    };
    expect(await ask(refusing)).toMatchObject({
      status: 503,
      body: { detail: "Not ready: the database takes no writes." },
    });
  });

  it("does not wait longer than 2 s for a service that does not answer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.spyOn(env.stream, "ready").mockReturnValue(new Promise(() => {}));
    const answer = ask();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await answer).toMatchObject({ body: { detail: "Not ready: the stream service does not answer." } });
  });

  it("asks once for all requests within 5 s", async () => {
    const asked = vi.spyOn(env.stream, "ready");
    vi.useFakeTimers({ toFake: ["performance"] });
    await Promise.all([ask(), ask(), ask()]);
    vi.advanceTimersByTime(4999);
    await ask();
    expect(asked).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    await ask();
    expect(asked).toHaveBeenCalledTimes(2);
  });
});

describe("/metrics", () => {
  it("has this process' metrics, and the number of monitors of each status", async () => {
    await call("POST", "/v1/monitors", aMonitor());
    await call("POST", "/v1/monitors", aMonitor());
    const { body: third } = await call("POST", "/v1/monitors", aMonitor());
    await call("POST", `/v1/monitors/${third.id}/pause`);
    const { body: fourth } = await call("POST", "/v1/monitors", aMonitor());
    await call("DELETE", `/v1/monitors/${fourth.id}`);
    const { status, headers, body } = await call<string>("GET", "/metrics");
    expect([status, headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(body).toMatch(/^stillup_monitors\{.*status="pending".*\} 2$/m);
    expect(body).toMatch(/^stillup_monitors\{.*status="paused".*\} 1$/m);
    expect(body).toMatch(/^stillup_monitors\{.*status="down".*\} 0$/m);
    expect(body).toContain("# TYPE stillup_checks_total counter");
  });

  it("has the age of the oldest check without a result and of the oldest undelivered delivery", async () => {
    await addMonitor(env.sql, { nextCheckAt: -20 });
    await addMonitor(env.sql, { nextCheckAt: -90, status: "paused" });
    await addDelivery(env.sql, { eventNumber: 1, createdAt: -30 });
    await addDelivery(env.sql, { eventNumber: 2, createdAt: -90, status: "delivered" });
    await env.clock.set(await env.clock.now());
    const body = async () => (await call<string>("GET", "/metrics")).body;
    expect(await body()).toMatch(/^stillup_oldest_due_check_seconds\{.*\} 2\d(\.|$)/m);
    expect(await body()).toMatch(/^stillup_oldest_undelivered_seconds\{.*\} 3\d(\.|$)/m);
  });

  it("says whether any process is offline", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const offline = async () => {
      vi.advanceTimersByTime(5000);
      return /^stillup_offline\{.*\} (.*)$/m.exec((await call<string>("GET", "/metrics")).body)?.[1];
    };
    expect(await offline()).toBe("0");
    await env.sql`update connectivity set offline_since = app_now()`;
    expect(await offline()).toBe("1");
  });

  it("counts a check as due until it has a result, given out or not", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const age = async () => {
      vi.advanceTimersByTime(5000);
      const { body } = await call<string>("GET", "/metrics");
      return Number(/^stillup_oldest_due_check_seconds\{.*\} (.*)$/m.exec(body)?.[1]);
    };
    await env.clock.set("2026-03-01T12:00:00Z");
    await call("POST", "/v1/monitors", aMonitor());
    await env.clock.advance(10);
    expect(await age()).toBe(10);
    const [job] = (await claimDueChecks(env.sql)).jobs;
    expect(await age()).toBe(10);
    await env.clock.advance(60); // its lease is over
    await claimDueChecks(env.sql);
    expect(await age()).toBe(70);
    if (job === undefined) throw new Error("the monitor was not given out");
    const phases = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs: null };
    const found = { outcome: "ok", statusCode: 200, totalMs: 1, phases, detail: null, beganAt: 0 } as const;
    await applyResults(env.sql, [{ ...job, ...found, seq: job.seq + 1 }]);
    expect(await age()).toBe(0);
  });

  it("requires the key", async () => {
    const { status } = await api(env).sendRequest(new Request("http://stillup.test/metrics"));
    expect(status).toBe(401);
  });

  it("has this process' metrics while the database is away", async () => {
    const { status, body } = await api(withoutDatabase()).send<string>("GET", "/metrics");
    expect(status).toBe(200);
    expect(body).toContain("stillup_checks_total");
    expect(env.logged).toMatchObject([{ level: "WARN", fields: { requestId: "test-request" } }]);
  });

  it("does not wait longer than 2 s for a database that does not answer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asked = api(withSql(() => new Promise(() => {}))).send<string>("GET", "/metrics");
    await vi.advanceTimersByTimeAsync(2000);
    expect((await asked).status).toBe(200);
    expect(env.logged).toMatchObject([
      { level: "WARN", fields: { error: "Error: The database did not respond within 2 s." } },
    ]);
  });
});

describe("a database that is away", () => {
  const withoutIt = ["get-healthz", "get-readyz", "get-metrics", "get-openapi"];
  const others = routes.filter(({ name }) => !withoutIt.includes(name)).map(({ name, route }) => ({ name, ...route }));

  it.each(others)("is a 503 of $name", async ({ name, method, path }) => {
    const bodies: Record<string, object> = {
      "create-monitor": aMonitor(),
      "create-channel": { name: "a", type: "webhook", config: { url: "https://example.com" } },
    };
    const body = bodies[name] ?? (method === "PATCH" ? {} : undefined);
    const gone = api(withoutDatabase());
    const answered = await gone.send(method, path.replace("{id}", "mon_1"), body);
    expect(answered).toMatchObject({ status: 503, body: { code: "database_unavailable" } });
  });
});

describe("a wake-up", () => {
  const add = () => call("POST", "/v1/monitors", aMonitor());

  it("that cannot be sent fails no write; it is tried once more in the background", async () => {
    const wake = vi.spyOn(env.stream, "wake").mockImplementation(away);
    expect((await add()).status).toBe(201);
    expect(wake).toHaveBeenCalledTimes(2);
    expect(env.logged).toMatchObject([
      { level: "WARN", message: "A wake-up could not be sent." },
      { level: "WARN", message: "A wake-up could not be sent." },
    ]);
  });

  it("that takes long delays no write for longer than a second, and is not sent twice", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let finish = () => {};
    const wake = vi.spyOn(env.stream, "wake").mockReturnValue(
      new Promise((resolve) => {
        finish = resolve;
      }),
    );
    const created = routes.find(({ name }) => name === "create-monitor");
    const background: Promise<unknown>[] = [];
    const ctx = env.ctx({ waitUntil: (work) => void background.push(work) });
    const response = created?.fn.fetch(env.request("POST", "/v1/monitors", aMonitor()), env, ctx);
    await vi.waitFor(() => expect(wake).toHaveBeenCalledTimes(1));
    expect(background).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect((await response)?.status).toBe(201);
    expect(background).toHaveLength(1);
    finish();
    await Promise.all(background);
    expect(wake).toHaveBeenCalledTimes(1);
  });
});
