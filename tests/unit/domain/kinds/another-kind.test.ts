import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { limitsOf } from "../../../../runtime/limits.ts";
import { aMonitor } from "../../../../testing/factories.ts";
import { checkDue } from "../../../../testing/pipeline.ts";
import { type Api, api, type Json } from "../../../../testing/routes.ts";
import { answer, failure } from "../../../../testing/scripted-http.ts";
import { type TestEnv, type TestEnvOptions, testEnv } from "../../../../testing/test-env.ts";

vi.mock("../../../../domain/kinds/schemas.ts", async (original) => ({
  ...(await original<object>()),
  ...(await import("../../../../testing/echo/schema.ts")),
}));
vi.mock("../../../../domain/kinds/probes.ts", async (original) => ({
  ...(await original<object>()),
  ...(await import("../../../../testing/echo/probe.ts")),
}));

const anEcho = { name: "Echo", type: "echo", says: "hello" };
let env: TestEnv;
let call: Api["send"];

beforeEach(() => start());
afterAll(() => env.close());

async function start(options?: TestEnvOptions) {
  env = await testEnv(options);
  call = api(env).send;
}

async function add(over: object = {}): Promise<Json> {
  const { status, body } = await call("POST", "/v1/monitors", { ...anEcho, ...over });
  expect(status).toBe(201);
  return body;
}

async function fieldsRefused(method: string, path: string, body: unknown): Promise<string[]> {
  const answered = await call(method, path, body);
  expect(answered.body.code).toBe("invalid_request");
  return answered.body.errors.map((error: Json) => error.message);
}

async function stored(): Promise<Json> {
  const [row] = await env.sql`select type, target, form, config, revision from monitors`;
  return row;
}

describe("A kind that is added to the registry", () => {
  it("is part of the API: flat, with its own defaults and target", async () => {
    const echo = await add({ token: "hunter2" });
    expect(echo).toMatchObject({
      ...anEcho,
      expects: null,
      direct: false,
      target: "echo of hello",
      intervalSeconds: 60,
    });
    expect(echo).not.toHaveProperty("url");
    const http = await call("POST", "/v1/monitors", aMonitor());
    expect(http.body).not.toHaveProperty("says");
    const { body } = await call("GET", "/v1/monitors");
    expect(body.items).toEqual([http.body, echo]);
  });

  it("is stored as its type, target, form and configuration", async () => {
    await add({ token: "hunter2", direct: true });
    const config = { says: "hello", expects: null, token: "hunter2", direct: true };
    expect(await stored()).toEqual({ type: "echo", target: "echo of hello", form: 3, config, revision: 1 });
  });

  it("refuses fields of another kind, and what its own rules refuse", async () => {
    expect(await fieldsRefused("POST", "/v1/monitors", { ...anEcho, url: "https://example.com", says: "" })).toEqual([
      "says must be text of 1 to 100 characters, on one line and not blank",
      "url is unknown; remove it",
    ]);
    expect(await fieldsRefused("POST", "/v1/monitors", { ...anEcho, says: "silence", expects: "hello" })).toEqual([
      "expects can never be said by silence",
    ]);
    expect(await fieldsRefused("POST", "/v1/monitors", { ...anEcho, type: "telepathy" })).toEqual([
      'type must be "echo" or "http"',
    ]);
  });

  it("changes by its own fields, and keeps its type", async () => {
    const { id } = await add();
    const path = `/v1/monitors/${id}`;
    const { body } = await call("PATCH", path, { says: "ciao", expects: "ciao", type: "echo" });
    expect(body).toMatchObject({ says: "ciao", expects: "ciao", target: "echo of ciao" });
    expect(await stored()).toMatchObject({ target: "echo of ciao", revision: 2 });
    expect(await fieldsRefused("PATCH", path, { url: "https://example.com" })).toEqual(["url is unknown; remove it"]);
    expect(await fieldsRefused("PATCH", path, { type: "http", url: "https://example.com" })).toEqual([
      `type must be "echo", because a monitor's type cannot change; add another monitor instead`,
    ]);
  });

  it("shows no secret, keeps it when the mask comes back, and forgets it with the monitor", async () => {
    const echo = await add({ token: "hunter2" });
    expect(echo.token).toBe("********");
    const path = `/v1/monitors/${echo.id}`;
    expect((await call("GET", path)).body.token).toBe("********");
    expect((await call("PATCH", path, { token: "********", name: "Other" })).body.token).toBe("********");
    expect(await stored()).toMatchObject({ config: { token: "hunter2" }, revision: 1 });
    await call("PATCH", path, { token: "hunter3" });
    expect(await stored()).toMatchObject({ config: { token: "hunter3" }, revision: 2 });
    await call("DELETE", path);
    expect((await stored()).config).toEqual({});
  });

  it("refuses a mask where no secret is stored", async () => {
    const { id } = await add();
    for (const [method, path] of [
      ["POST", "/v1/monitors"],
      ["PATCH", `/v1/monitors/${id}`],
    ] as const) {
      const body = method === "POST" ? { ...anEcho, token: "********" } : { token: "********" };
      expect(await fieldsRefused(method, path, body)).toEqual([expect.stringContaining("token is ********")]);
    }
  });

  it("is refused by a host that cannot check it, which says why", async () => {
    await start({ config: { limits: limitsOf("cloudflare", 60) } });
    const { id } = await add();
    const why = 'type "echo" cannot be checked on this host (cloudflare): it offers no sockets';
    expect(await fieldsRefused("POST", "/v1/monitors", { ...anEcho, direct: true })).toEqual([why]);
    expect(await fieldsRefused("PATCH", `/v1/monitors/${id}`, { direct: true })).toEqual([why]);
    await start({ config: { limits: limitsOf("lambda", 60) } });
    expect(await add({ direct: true })).toMatchObject({ direct: true });
  });

  it("is checked by its probe, whose outcome and sentence are stored", async () => {
    const { id } = await add({ expects: "ciao" });
    await call("POST", "/v1/monitors", aMonitor());
    env.http.on(() => answer(200));
    await checkDue(env, env.ctx());
    const { body } = await call("GET", `/v1/monitors/${id}/checks`);
    expect(body.items).toEqual([
      {
        at: expect.any(String),
        outcome: "mismatch",
        statusCode: null,
        totalMs: 5,
        phases: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs: null },
        detail: 'It said "hello" ; expected "ciao".',
      },
    ]);
    expect(await env.sql`select outcome from checks order by outcome`).toEqual([
      { outcome: "mismatch" },
      { outcome: "ok" },
    ]);
  });

  it("names the outcomes that our own connectivity may cause", async () => {
    await start({ config: { connectivityTargets: ["http://control.example/"] } });
    env.http.on(() => failure("connect"));
    const silent = await add({ says: "silence" });
    const different = await add({ expects: "ciao" });
    await checkDue(env, env.ctx());
    expect(await env.sql`select monitor_id as id, outcome from checks order by outcome`).toEqual([
      { id: different.id, outcome: "mismatch" },
      { id: silent.id, outcome: "unknown" },
    ]);
  });

  it("fails alone when its probe throws: the check has no result and comes again", async () => {
    const broken = await add({ says: "bug" });
    const working = await add();
    await checkDue(env, env.ctx());
    expect(await env.sql`select monitor_id as id from checks`).toEqual([{ id: working.id }]);
    expect(env.logged.filter(({ level }) => level === "ERROR")).toMatchObject([
      { fields: { monitorId: broken.id, type: "echo", error: "Echo has a bug." } },
    ]);
    await env.clock.advance(31);
    await checkDue(env, env.ctx());
    expect(env.logged.filter(({ level }) => level === "ERROR")).toHaveLength(2);
  });

  it("is named in an alert by its type and target", async () => {
    await call("POST", "/v1/channels", { name: "c", type: "webhook", config: { url: "http://receiver.example/" } });
    env.http.on(() => answer(200));
    const { id } = await add({ expects: "ciao", failureThreshold: 1 });
    await checkDue(env, env.ctx());
    const [sent] = env.http.calls;
    expect(JSON.parse(sent?.body ?? "{}")).toMatchObject({
      type: "monitor.down",
      data: { monitor: { id, name: "Echo", type: "echo", target: "echo of hello" } },
    });
  });
});
