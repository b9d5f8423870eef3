import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { aChannel } from "../../../../testing/factories.ts";
import { checkDue } from "../../../../testing/pipeline.ts";
import { type Api, api, type Json } from "../../../../testing/routes.ts";
import { answer } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

vi.mock("../../../../domain/channels/schemas.ts", async (original) => ({
  ...(await original<object>()),
  ...(await import("../../../../testing/echo-chat/schema.ts")),
}));
vi.mock("../../../../domain/channels/senders.ts", async (original) => ({
  ...(await original<object>()),
  ...(await import("../../../../testing/echo-chat/sender.ts")),
}));

const room = "https://chat.example.com/rooms/ops";
const anEchoChat = { name: "Ops", type: "echo-chat", config: { room } };
const MASK = "********";
let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  call = api(env).send;
});
afterAll(() => env.close());

async function add(config: object = {}): Promise<Json> {
  const { status, body } = await call("POST", "/v1/channels", { ...anEchoChat, config: { room, ...config } });
  expect(status).toBe(201);
  return body;
}

async function fieldsRefused(method: string, path: string, body: unknown): Promise<string[]> {
  const answered = await call(method, path, body);
  expect(answered.body.code).toBe("invalid_request");
  return answered.body.errors.map((error: Json) => error.message);
}

async function storedConfig(id: string): Promise<unknown> {
  const [row] = await env.sql`select config from channels where id = ${id}`;
  return row?.["config"];
}

describe("a channel type that is added to the registry", () => {
  it("is part of the API, with its own settings and defaults", async () => {
    const chat = await add();
    expect(chat).toMatchObject({ type: "echo-chat", config: { room, token: null, headers: {}, loud: false } });
    const webhook = await call("POST", "/v1/channels", aChannel());
    const { body } = await call("GET", "/v1/channels");
    expect(body.items.map(({ type }: Json) => type).sort()).toEqual(["echo-chat", "webhook"]);
    expect(webhook.body.config).not.toHaveProperty("room");
  });

  it("refuses the settings of another type, and types that do not exist", async () => {
    const refused = (over: object) => fieldsRefused("POST", "/v1/channels", { ...anEchoChat, ...over });
    expect(await refused({ config: { room, url: "https://example.com" } })).toEqual([
      "config.url is unknown; remove it",
    ]);
    expect(await refused({ type: "webhook" })).toEqual([
      expect.stringContaining("config.url is missing"),
      "config.room is unknown; remove it",
    ]);
    expect(await refused({ type: "pigeon" })).toEqual(['type must be "webhook" or "echo-chat"']);
  });

  it("changes by its own settings, null giving back a default, and keeps its type", async () => {
    const { id } = await add({ loud: true });
    const path = `/v1/channels/${id}`;
    const other = "https://chat.example.com/rooms/dev";
    expect((await call("PATCH", path, { config: { room: other } })).body.config).toMatchObject({
      room: other,
      loud: true,
    });
    expect((await call("PATCH", path, { config: { loud: null } })).body.config).toMatchObject({
      room: other,
      loud: false,
    });
    expect(await fieldsRefused("PATCH", path, { config: { room: "", url: "https://example.com" } })).toEqual([
      expect.stringContaining("config.room must be text"),
      "config.url is unknown; remove it",
    ]);
    expect(await fieldsRefused("PATCH", path, { type: "webhook" })).toEqual([
      `type must be "echo-chat", because a channel's type cannot change; add another channel instead`,
    ]);
  });

  it("shows its secrets once, keeps those whose masks come back, and forgets them with the channel", async () => {
    const secrets = { token: "hunter2", headers: { "x-key": "hunter3", "x-old": "hunter4" } };
    const { id, config } = await add(secrets);
    expect(config).toMatchObject(secrets);
    const path = `/v1/channels/${id}`;
    const masked = { room, token: MASK, headers: { "x-key": MASK, "x-old": MASK }, loud: false };
    expect((await call("GET", path)).body.config).toEqual(masked);
    const headers = { "x-key": MASK, "x-new": "hunter5" };
    expect((await call("PATCH", path, { config: { token: MASK, headers } })).body.config).toMatchObject({
      token: MASK,
      headers: { "x-key": MASK, "x-new": MASK },
    });
    expect(await storedConfig(id)).toMatchObject({
      token: "hunter2",
      headers: { "x-key": "hunter3", "x-new": "hunter5" },
    });
    expect((await call("PATCH", path, { config: { token: null } })).body.config).toMatchObject({ token: null });
    expect(await fieldsRefused("PATCH", path, { config: { token: MASK } })).toEqual([
      expect.stringContaining("config.token is ********"),
    ]);
    expect(await fieldsRefused("POST", "/v1/channels", { ...anEchoChat, config: { room, token: MASK } })).toEqual([
      expect.stringContaining("config.token is ********"),
    ]);
    await call("DELETE", path);
    expect(await storedConfig(id)).toEqual({});
  });

  it("is tested by its sender, with the channel's settings", async () => {
    env.http.on(() => answer(200));
    const { id } = await add({ token: "hunter2", loud: true });
    expect((await call("POST", `/v1/channels/${id}/test`)).body).toMatchObject({ delivered: true });
    expect(env.http.calls).toMatchObject([
      {
        url: room,
        headers: { authorization: "hunter2" },
        body: "THIS IS A TEST OF THE CHANNEL OPS. ALERTS ARRIVE HERE.",
        timeoutMs: 15_000,
      },
    ]);
  });

  it("gets the same events as every other type", async () => {
    env.http.on(({ url }) => answer(url === "http://target.example/" ? 500 : 200));
    await add();
    await call("POST", "/v1/monitors", {
      name: "Shop",
      type: "http",
      url: "http://target.example/",
      failureThreshold: 1,
    });
    await checkDue(env, env.ctx());
    const said = env.http.calls.filter(({ url }) => url === room).map(({ body }) => body);
    expect(said).toEqual(["Shop is down: Answered 500; expected 200-299."]);
  });
});
