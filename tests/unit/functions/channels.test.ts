import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { getChannel } from "../../../domain/channels/get-channel.ts";
import { sign } from "../../../domain/channels/types/webhook/sender.ts";
import { updateChannel } from "../../../domain/channels/update-channel.ts";
import { MASK } from "../../../domain/shared/secrets.ts";
import { aChannel } from "../../../testing/factories.ts";
import { type Api, api, type Json } from "../../../testing/routes.ts";
import { addChannel, addDeliveries } from "../../../testing/rows.ts";
import { answer, failure } from "../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

const start = "2026-03-01T12:00:00.000Z";
const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set(start);
  call = api(env).send;
});
afterAll(() => env.close());

async function add(over: object = {}): Promise<Json> {
  const { status, body } = await call("POST", "/v1/channels", aChannel(over));
  expect(status).toBe(201);
  return body;
}

async function storedSecret(id: string): Promise<string | undefined> {
  const [row] = await env.sql<{ secret: string }>`select config->>'secret' as secret from channels where id = ${id}`;
  return row?.secret;
}

/** A pending and a delivered delivery to the channel. */
async function plan(channelId: string): Promise<void> {
  await addDeliveries(
    env.sql,
    ["pending", "delivered"].map((status) => ({ id: `dlv_${status}_${channelId}`, channelId, status })),
  );
}

async function deliveries(channelId: string): Promise<unknown[]> {
  const rows = await env.sql<{ status: string; finished_at: Date | null }>`
    select status, finished_at from deliveries where channel_id = ${channelId} order by id desc`;
  return rows.map(({ status, finished_at }) => [status, finished_at?.toISOString() ?? null]);
}

describe("a new channel", () => {
  it("is a default one, and has a secret made that is never shown again", async () => {
    const channel = await add();
    expect(channel).toEqual({
      ...aChannel(),
      id: expect.stringMatching(/^ch_[0-9a-f]{20}$/),
      default: true,
      systemAlerts: false,
      disabled: false,
      config: { url: aChannel().config.url, secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) },
      createdAt: start,
      updatedAt: start,
    });
    const shown = { ...channel, config: { url: aChannel().config.url, secret: MASK } };
    expect((await call("GET", `/v1/channels/${channel.id}`)).body).toEqual(shown);
    expect((await call("GET", "/v1/channels")).body.items).toEqual([shown]);
    expect((await add()).config.secret).not.toBe(channel.config.secret);
  });

  it("keeps the secret it was given, and shows that once", async () => {
    const channel = await add({ default: false, config: { ...aChannel().config, secret } });
    expect(channel).toMatchObject({ default: false, config: { secret } });
    expect(JSON.stringify((await call("GET", `/v1/channels/${channel.id}`)).body)).not.toContain("whsec_");
  });
});

describe("a change of a channel", () => {
  it("leaves alone what it does not name, in its config, too", async () => {
    const channel = await add({ config: { ...aChannel().config, secret } });
    await env.clock.advance(60);
    const url = "https://other.example.com";
    const { status, body } = await call("PATCH", `/v1/channels/${channel.id}`, { config: { url } });
    expect(status).toBe(200);
    expect(body).toEqual({ ...channel, config: { url, secret: MASK }, updatedAt: "2026-03-01T12:01:00.000Z" });
    expect(await storedSecret(channel.id)).toBe(secret);
  });

  it("may put another secret in its place, which is not shown", async () => {
    const channel = await add();
    const { body } = await call("PATCH", `/v1/channels/${channel.id}`, { config: { secret } });
    expect(body.config).toEqual({ ...aChannel().config, secret: MASK });
    expect(await storedSecret(channel.id)).toBe(secret);
  });

  it("keeps the secret when it sends back what is shown", async () => {
    const { id } = await add({ config: { ...aChannel().config, secret } });
    const { config } = (await call("GET", `/v1/channels/${id}`)).body;
    expect((await call("PATCH", `/v1/channels/${id}`, { config })).body.config).toEqual(config);
    expect(await storedSecret(id)).toBe(secret);
  });

  it("keeps what another change of its config does meanwhile", async () => {
    const { id } = await add();
    const url = "https://other.example.com";
    const change = (config: object) => call("PATCH", `/v1/channels/${id}`, { config });
    expect((await Promise.all([change({ url }), change({ secret })])).map(({ status }) => status)).toEqual([200, 200]);
    expect(await env.sql`select config from channels`).toEqual([{ config: { url, secret } }]);
  });

  it("makes it a default one again when that is null", async () => {
    const { id } = await add({ default: false });
    expect((await call("PATCH", `/v1/channels/${id}`, { name: "Other" })).body).toMatchObject({ default: false });
    expect((await call("PATCH", `/v1/channels/${id}`, { default: null })).body).toMatchObject({ default: true });
    expect((await call("PATCH", `/v1/channels/${id}`, { default: false })).body).toMatchObject({ default: false });
  });

  it("makes it receive system alerts, which no channel does by default", async () => {
    const { id, systemAlerts } = await add();
    expect([systemAlerts, (await add({ systemAlerts: true })).systemAlerts]).toEqual([false, true]);
    expect((await call("PATCH", `/v1/channels/${id}`, { systemAlerts: true })).body).toMatchObject({
      systemAlerts: true,
    });
    expect((await call("PATCH", `/v1/channels/${id}`, { name: "Other" })).body).toMatchObject({ systemAlerts: true });
    expect((await call("PATCH", `/v1/channels/${id}`, { systemAlerts: null })).body).toMatchObject({
      systemAlerts: false,
    });
  });

  it("cancels its pending deliveries when it is disabled, and brings none back when it is enabled", async () => {
    const [{ id }, other] = [await add(), await add()];
    await plan(id);
    await plan(other.id);
    await call("PATCH", `/v1/channels/${id}`, { name: "Other" });
    expect(await deliveries(id)).toEqual([
      ["pending", null],
      ["delivered", null],
    ]);
    expect((await call("PATCH", `/v1/channels/${id}`, { disabled: true })).body).toMatchObject({ disabled: true });
    expect(await deliveries(id)).toEqual([
      ["cancelled", start],
      ["delivered", null],
    ]);
    expect((await call("PATCH", `/v1/channels/${id}`, { disabled: false })).body).toMatchObject({ disabled: false });
    expect(await deliveries(id)).toEqual([
      ["cancelled", start],
      ["delivered", null],
    ]);
    expect(await deliveries(other.id)).toEqual([
      ["pending", null],
      ["delivered", null],
    ]);
  });
});

describe("a channel of a type that only a newer release knows", () => {
  it("shows no settings, and is neither changed nor tested, but renamed and deleted", async () => {
    const id = await addChannel(env.sql, { type: "pigeon", config: { coop: "secret" } });
    expect((await getChannel(env.sql, id)).config).toEqual({});
    const answers = await Promise.all([
      call("PATCH", `/v1/channels/${id}`, { config: { coop: "other" } }),
      call("POST", `/v1/channels/${id}/test`),
    ]);
    const detail = "This release does not know channels of type pigeon. Use the newer one.";
    expect(answers.map(({ status, body }) => [status, body.detail])).toEqual([
      [409, detail],
      [409, detail],
    ]);
    expect((await updateChannel(env.sql, { id, patch: { name: "Other" } })).name).toBe("Other");
    expect(await env.sql`select config from channels where id = ${id}`).toEqual([{ config: { coop: "secret" } }]);
    expect((await call("DELETE", `/v1/channels/${id}`)).status).toBe(204);
  });
});

describe("a deleted channel", () => {
  it("is gone for every route, and its pending deliveries are cancelled", async () => {
    const { id } = await add();
    await plan(id);
    expect((await call("DELETE", `/v1/channels/${id}`)).status).toBe(204);
    expect(await deliveries(id)).toEqual([
      ["cancelled", start],
      ["delivered", null],
    ]);
    const answers = await Promise.all([
      call("GET", `/v1/channels/${id}`),
      call("PATCH", `/v1/channels/${id}`, {}),
      call("DELETE", `/v1/channels/${id}`),
      call("POST", `/v1/channels/${id}/test`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect((await call("GET", "/v1/channels")).body.items).toEqual([]);
  });

  it("is removed from every monitor", async () => {
    const [gone, stays] = [await add(), await add()];
    const monitor = { name: "m", type: "http", url: "http://target.example/", channelIds: [gone.id, stays.id] };
    const made = await call("POST", "/v1/monitors", monitor);
    await call("DELETE", `/v1/channels/${gone.id}`);
    const { body } = await call("GET", `/v1/monitors/${made.body.id}`);
    expect(body.channelIds).toEqual([stays.id]);
    expect((await call("PATCH", `/v1/monitors/${body.id}`, { channelIds: body.channelIds })).status).toBe(200);
  });
});

describe("a test of a channel", () => {
  it("sends one signed event now and says how it went", async () => {
    env.http.on(() => answer(204));
    const { id } = await add({ config: { ...aChannel().config, secret } });
    const { status, body } = await call("POST", `/v1/channels/${id}/test`);
    expect([status, body]).toEqual([200, { delivered: true, statusCode: 204, durationMs: 4, error: null }]);
    expect(env.http.calls).toHaveLength(1);
    const [sent] = env.http.calls;
    const event = JSON.parse(sent?.body ?? "");
    expect(event).toEqual({
      id: expect.stringMatching(/^dlv_/),
      type: "channel.test",
      timestamp: start,
      text: `This is a test of the channel ${aChannel().name}. Alerts arrive here.`,
      data: { channel: { id, name: aChannel().name } },
    });
    const headers = sent?.headers ?? {};
    expect(sent).toMatchObject({ method: "POST", url: aChannel().config.url });
    expect(headers["webhook-id"]).toBe(event.id);
    const signed = `${event.id}.${headers["webhook-timestamp"]}.${sent?.body}`;
    expect(headers["webhook-signature"]).toBe(await sign(secret, signed));
  });

  it("may be repeated, with another id each time", async () => {
    env.http.on(() => answer(200));
    const { id } = await add();
    await call("POST", `/v1/channels/${id}/test`);
    await call("POST", `/v1/channels/${id}/test`);
    const ids = env.http.calls.map(({ headers }) => headers?.["webhook-id"]);
    expect(new Set(ids).size).toBe(2);
  });

  it.each([
    [() => answer(500), { statusCode: 500, error: "The receiver answered 500." }],
    [() => answer(410), { statusCode: 410, error: "The receiver answered 410." }],
    [() => failure("timeout"), { statusCode: null, error: "It was scripted to fail: timeout." }],
  ])("is answered well whatever the receiver does, and changes nothing: %#", async (script, outcome) => {
    env.http.on(script);
    const channel = await add();
    const { status, body } = await call("POST", `/v1/channels/${channel.id}/test`);
    expect([status, body]).toEqual([200, { delivered: false, durationMs: 4, ...outcome }]);
    expect((await call("GET", `/v1/channels/${channel.id}`)).body).toMatchObject({ disabled: false });
  });
});
