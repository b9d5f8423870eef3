import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MASK } from "../../../domain/shared/secrets.ts";
import { aChannel, aMonitor } from "../../../testing/factories.ts";
import { type Api, api, type Json } from "../../../testing/routes.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

let env: TestEnv;
let call: Api["send"];
let monitorId: string;
let channelId: string;

beforeAll(async () => {
  env = await testEnv();
  call = api(env).send;
  monitorId = (await call("POST", "/v1/monitors", aMonitor())).body.id;
  channelId = (await call("POST", "/v1/channels", aChannel())).body.id;
});
afterAll(() => env.close());

/** The message of the only field that is wrong. */
async function complaint(method: string, path: string, body?: unknown): Promise<readonly [string, string]> {
  const answered = await call(method, path, body);
  expect(answered.status).toBe(400);
  expect(answered.body.code).toBe("invalid_request");
  expect(answered.body.errors).toHaveLength(1);
  const [{ field, message }] = answered.body.errors;
  expect(message).toContain(field);
  return [field, message];
}

const long = "a".repeat(1_000_000);
const secretOf = (bytes: number) => `whsec_${Buffer.alloc(bytes).toString("base64")}`;

/** A field, a value that it must not have, and what is said of it. */
const monitorCases: readonly (readonly [string, unknown, string])[] = [
  ["name", undefined, "name is missing: it must be text of 1 to 200 characters, on one line and not blank"],
  ["name", null, "name must be text of 1 to 200"],
  ["name", 1, "name must be text of 1 to 200"],
  ["name", "", "name must be text of 1 to 200"],
  ["name", "   ", "not blank"],
  ["name", "a\nb", "on one line"],
  ["name", "a\u0007b", "on one line"],
  ["name", "a".repeat(201), "1 to 200 characters"],
  ["name", long, "1 to 200 characters"],
  ["name", "a\u0000", "must not contain a NUL character"],
  ["name", "a\ud800", "half of a surrogate pair"],
  ["type", undefined, 'type is missing: it must be "http"'],
  ["type", "telepathy", 'must be "http"'],
  ["type", null, 'must be "http"'],
  ["url", undefined, "url is missing"],
  ["url", 5, "must be text"],
  ["url", "", "must be an http or https URL, such as https://example.com/health"],
  ["url", "example.com", "must be an http or https URL"],
  ["url", "file:///etc/passwd", "must be an http or https URL"],
  ["url", "ftp://example.com", "must be an http or https URL"],
  ["url", "javascript:alert(1)", "must be an http or https URL"],
  ["url", "http:example.com", "must be an http or https URL"],
  ["url", "http:///path", "must be an http or https URL"],
  ["url", "http://", "must be an http or https URL"],
  ["url", "http://a b/", "must be an http or https URL"],
  ["url", " http://example.com", "must be an http or https URL"],
  ["url", "http://exa\nmple.com", "must be an http or https URL"],
  ["url", "http://example.com:99999", "must be an http or https URL"],
  ["url", "http://[::1", "must be an http or https URL"],
  ["url", "http://user:password@example.com", "must not contain a user name or a password"],
  ["url", "http://user@example.com", "must not contain a user name or a password"],
  ["url", "http://:password@example.com", "must not contain a user name or a password"],
  ["url", "http://:@example.com", "must not contain a user name or a password"],
  ["url", "http://@example.com", "must not contain a user name or a password"],
  ["url", "HTTP://@@example.com/", "must not contain a user name or a password"],
  ["url", `http://example.com/${"a".repeat(2030)}`, "at most 2048 characters"],
  ["url", `http://example.com/${long}`, "at most 2048 characters"],
  ["method", "get", "must be one of GET, HEAD, POST"],
  ["method", "TRACE", "must be one of GET, HEAD, POST"],
  ["method", "CONNECT", "must be one of GET, HEAD, POST"],
  ["headers", [], "must be an object of at most 50 headers"],
  ["headers", "a: b", "must be an object of at most 50 headers"],
  ["headers", Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`h${i}`, ""])), "at most 50 headers"],
  ["headers", { a: "b".repeat(16_384) }, "at most 16384 characters together"],
  ["headers.a", { a: 1 }, "must be text"],
  ["headers.a", { a: "b\r\nc: d" }, "must contain only printable Latin-1"],
  ["headers.a", { a: "b\u0001" }, "must contain only printable Latin-1"],
  ["headers.a", { a: "→" }, "must contain only printable Latin-1"],
  ["headers.a b", { "a b": "c" }, "is not a valid header name"],
  ["headers.a\r\nb", { "a\r\nb": "c" }, "is not a valid header name"],
  ["headers.a:", { "a:": "c" }, "is not a valid header name"],
  ['headers[""]', { "": "c" }, "is not a valid header name"],
  ["headers.A", { a: "1", A: "2" }, "is repeated"],
  ["headers.__proto__", JSON.parse('{"__proto__": "a"}'), "is unknown; remove it"],
  ["headers.Host", { Host: "example.com" }, "is set by the connection"],
  ["headers.content-length", { "content-length": "5" }, "is set by the connection"],
  ["headers.Transfer-Encoding", { "Transfer-Encoding": "chunked" }, "is set by the connection"],
  ["headers.connection", { connection: "close" }, "is set by the connection"],
  ["body", "x", "cannot be sent with GET"],
  ["body", {}, "must be text of at most 65536 characters"],
  ["body", "a".repeat(65_537), "must be text of at most 65536 characters"],
  ["intervalSeconds", 0, "must be a whole number from 5 to 86400"],
  ["intervalSeconds", 4, "must be a whole number from 5 to 86400"],
  ["intervalSeconds", 86_401, "must be a whole number from 5 to 86400"],
  ["intervalSeconds", 1e9, "must be a whole number from 5 to 86400"],
  ["intervalSeconds", 1e30, "must be a whole number from 5 to 86400"],
  ["intervalSeconds", -60, "must be a whole number from 5 to 86400"],
  ["intervalSeconds", 60.5, "must be a whole number from 5 to 86400"],
  ["intervalSeconds", "60", "must be a whole number from 5 to 86400"],
  ["intervalSeconds", true, "must be a whole number from 5 to 86400"],
  ["timeoutMs", 99, "must be a whole number from 100 to 60000"],
  ["timeoutMs", 60_001, "must be a whole number from 100 to 60000"],
  ["timeoutMs", 60_000, "must be shorter than the interval of 60000 ms"],
  ["expect", "200", "must be an object"],
  ["expect.stats", { stats: [] }, "is unknown"],
  ["expect.status", { status: [] }, "must be a list of 1 to 20 statuses or ranges"],
  ["expect.status", { status: "200" }, "must be a list of 1 to 20 statuses or ranges"],
  ["expect.status", { status: Array.from({ length: 21 }, () => "200") }, "must be a list of 1 to 20"],
  ["expect.status[0]", { status: [200] }, 'must be a status from 100 to 599 or a range of them, such as "404"'],
  ["expect.status[1]", { status: ["200", "2xx"] }, "must be a status from 100 to 599"],
  ["expect.status[0]", { status: ["99"] }, "must be a status from 100 to 599"],
  ["expect.status[0]", { status: ["600"] }, "must be a status from 100 to 599"],
  ["expect.status[0]", { status: ["299-200"] }, "must be a status from 100 to 599"],
  ["expect.status[0]", { status: ["200-"] }, "must be a status from 100 to 599"],
  ["expect.status[0]", { status: ["100"] }, "expect.status[0] can never succeed: responses below 200 are never final"],
  ["expect.status[1]", { status: ["200", "100-199"] }, "can never succeed: responses below 200 are never final"],
  ["expect.bodyContains", { bodyContains: "" }, "must be text of 1 to 1000 characters"],
  ["expect.bodyContains", { bodyContains: "a".repeat(1001) }, "must be text of 1 to 1000 characters"],
  ["failureThreshold", 0, "must be a whole number from 1 to 10"],
  ["failureThreshold", 11, "must be a whole number from 1 to 10"],
  ["recoveryThreshold", 0, "must be a whole number from 1 to 10"],
  ["recoveryThreshold", 11, "must be a whole number from 1 to 10"],
  ["channelIds", "ch_1", "must be a list of at most 50 ids of channels"],
  ["channelIds", Array.from({ length: 51 }, (_, i) => `ch_${i}`), "must be a list of at most 50"],
  ["channelIds[0]", [1], "must be an id"],
  ["channelIds[0]", ["x"], "must be an id"],
  ["channelIds[1]", ["ch_1", "ch_1"], "duplicates channelIds[0]"],
  ["channelIds[0]", ["ch_nothing"], "must be the id of an existing channel"],
  ["tags", {}, "must be a list of at most 20 tags"],
  ["tags", Array.from({ length: 21 }, (_, i) => `${i}`), "must be a list of at most 20 tags"],
  ["tags[0]", [""], "must be text of 1 to 50 characters"],
  ["tags[0]", ["a".repeat(51)], "must be text of 1 to 50 characters"],
  ["tags[2]", ["a", "b", "a"], "duplicates tags[0]"],
  ["status", "up", "is unknown; remove it"],
  ['expect[""]', { "": 1 }, "is unknown; remove it"],
  ["__proto__", { a: 1 }, "is unknown; remove it"],
];

const channelCases: readonly (readonly [string, unknown, string])[] = [
  ["name", undefined, "name is missing"],
  ["name", long, "1 to 200 characters"],
  ["type", undefined, 'type is missing: it must be "webhook"'],
  ["type", 5, 'must be "webhook"'],
  ["type", "pigeon", 'must be "webhook"'],
  ["default", "yes", "must be true or false"],
  ["config", undefined, "config is missing: it must be an object"],
  ["config", [], "must be an object"],
  ["config.url", {}, "config.url is missing"],
  ["config.url", { url: "file:///etc/passwd" }, "must be an http or https URL"],
  ["config.url", { url: "https://user:password@example.com" }, "must not contain a user name or a password"],
  ["config.secret", { url: "https://example.com", secret: null }, 'must be "whsec_" and the base64 of 24 to 64 bytes'],
  ["config.secret", { url: "https://example.com", secret: "" }, "24 to 64 bytes"],
  ["config.secret", { url: "https://example.com", secret: "hunter2" }, "24 to 64 bytes"],
  ["config.secret", { url: "https://example.com", secret: secretOf(23) }, "24 to 64 bytes"],
  ["config.secret", { url: "https://example.com", secret: secretOf(65) }, "24 to 64 bytes"],
  ["config.secret", { url: "https://example.com", secret: secretOf(32).slice(0, -1) }, "24 to 64 bytes"],
  ["config.secret", { url: "https://example.com", secret: secretOf(32).replace("A", "-") }, "24 to 64 bytes"],
  ["config.headers", { url: "https://example.com", headers: {} }, "is unknown; remove it"],
  ["disabled", true, "is unknown; remove it"],
];

/** The thing with this value where the case's field begins, as JSON: undefined and __proto__ included. */
function withField(thing: object, field: string, value: unknown): string {
  const name = field.split(/[.[]/)[0] ?? "";
  const others = Object.entries(thing).filter(([key]) => key !== name);
  const all = value === undefined ? others : [...others, [name, value] as const];
  return `{${all.map(([key, each]) => `${JSON.stringify(key)}: ${JSON.stringify(each)}`).join(", ")}}`;
}

/** Cases as titles: a million letters are hard to read. */
const titled = (cases: typeof monitorCases) =>
  cases.map(
    ([field, value, message]) => [field, (JSON.stringify(value) ?? "nothing").slice(0, 60), value, message] as const,
  );

describe("a monitor is refused", () => {
  it.each(titled(monitorCases))("when its %s is wrong: %s", async (field, _title, value, message) => {
    const [named, said] = await complaint("POST", "/v1/monitors", withField(aMonitor(), field, value));
    expect(named).toBe(field);
    expect(said).toContain(message);
  });

  it.each(titled(monitorCases.filter(([, value]) => value !== undefined)))(
    "by a change, too, when its %s would be wrong: %s",
    async (field, _title, value, message) => {
      const [named, said] = await complaint("PATCH", `/v1/monitors/${monitorId}`, withField({}, field, value));
      expect(named).toBe(field);
      expect(said).toContain(message);
    },
  );

  it("with everything that is wrong with it named at once", async () => {
    const { status, body } = await call("POST", "/v1/monitors", {
      type: "http",
      url: "ftp://example.com",
      intervalSeconds: 0,
      expect: { status: ["200", "x"] },
      tags: ["", "a"],
      colour: "red",
    });
    expect(status).toBe(400);
    const fields = body.errors.map((error: Json) => error.field);
    expect(fields.sort()).toEqual(["colour", "expect.status[1]", "intervalSeconds", "name", "tags[0]", "url"]);
  });

  it("when it has no body that could ever hold a text", async () => {
    const body = aMonitor({ method: "HEAD", expect: { bodyContains: "ok" } });
    expect(await complaint("POST", "/v1/monitors", body)).toEqual([
      "expect.bodyContains",
      "expect.bodyContains can never succeed: a response to HEAD has no body",
    ]);
  });

  it("and none of this left anything behind", async () => {
    const { body } = await call("GET", "/v1/monitors");
    expect(body.items).toEqual([expect.objectContaining(aMonitor({ id: monitorId }))]);
  });
});

describe("a channel is refused", () => {
  it.each(titled(channelCases))("when its %s is wrong: %s", async (field, _title, value, message) => {
    const [named, said] = await complaint("POST", "/v1/channels", withField(aChannel(), field, value));
    expect(named).toBe(field);
    expect(said).toContain(message);
  });

  it.each(
    titled(
      channelCases.filter(
        ([field, value]) =>
          value !== undefined &&
          !["disabled", "type"].includes(field) &&
          !(field === "config.url" && JSON.stringify(value) === "{}"),
      ),
    ),
  )("by a change, too, when its %s would be wrong: %s", async (field, _title, value, message) => {
    const [named, said] = await complaint("PATCH", `/v1/channels/${channelId}`, withField({}, field, value));
    expect(named).toBe(field);
    expect(said).toContain(message);
  });

  it("when a change gives it another type", async () => {
    const path = `/v1/channels/${channelId}`;
    expect(await complaint("PATCH", path, { type: "pigeon" })).toEqual([
      "type",
      'type must be "webhook", because a channel\'s type cannot change; add another channel instead',
    ]);
    expect(await complaint("PATCH", path, { type: 5 })).toEqual(["type", "type must be text"]);
    expect((await call("PATCH", path, { type: "webhook" })).status).toBe(200);
  });

  it("and none of this left anything behind", async () => {
    const { body } = await call("GET", "/v1/channels");
    const config = { ...aChannel().config, secret: MASK };
    expect(body.items).toEqual([expect.objectContaining(aChannel({ config, id: channelId }))]);
  });
});

describe("a query is refused", () => {
  const lists = [
    "/v1/monitors",
    "/v1/channels",
    "/v1/incidents",
    "/v1/deliveries",
    "/v1/monitors/{id}/checks",
    "/v1/dead-letters",
  ];
  const base64url = (text: string) => Buffer.from(text).toString("base64url");
  const cursors = [
    "",
    "x",
    "%",
    "a b",
    "====",
    "1".repeat(400),
    base64url("no json"),
    base64url("{}"),
    base64url("null"),
    base64url("[]"),
    base64url('["2026-01-01 00:00:00+00"]'),
    base64url('["2026-01-01 00:00:00+00", "mon_1", 3]'),
    base64url('["2026-02-31 00:00:00+00", "mon_1"]'),
    base64url('["0000-01-01 00:00:00+00", "mon_1"]'),
    base64url('["2026-01-01 25:00:00+00", "mon_1"]'),
    base64url('["2026-01-01 00:00:00+01", "mon_1"]'),
    base64url('["2026-01-01T00:00:00Z", "mon_1"]'),
    base64url('["infinity", ""]'),
    base64url('["now", "mon_1"]'),
    base64url(`["2026-01-01 00:00:00+00", "'; drop table monitors; --"]`),
    base64url('["2026-01-01 00:00:00+00", 5]'),
    base64url('["2026-01-01 00:00:00+00", "mon_1\\u0000"]'),
  ];

  it.each(lists)("by %s with any limit but a whole number from 1 to 200", async (list) => {
    const path = list.replace("{id}", monitorId);
    for (const limit of ["0", "201", "1000000000", "-1", "1.5", "", " 5", "5x", "0x5", "1e2", "five"]) {
      const answer = await complaint("GET", `${path}?limit=${encodeURIComponent(limit)}`);
      expect(answer).toEqual(["query.limit", "query.limit must be a whole number from 1 to 200"]);
    }
  });

  it.each(lists)("by %s with a cursor of rubbish", async (list) => {
    const path = list.replace("{id}", monitorId);
    for (const cursor of cursors) {
      const answer = await complaint("GET", `${path}?cursor=${encodeURIComponent(cursor)}`);
      expect(answer, cursor).toEqual(["query.cursor", "query.cursor must be the nextCursor of an earlier response"]);
    }
  });

  it.each([
    ["/v1/monitors?status=sad", "query.status", "must be one of pending, up, down, paused, unknown"],
    ["/v1/monitors?tag=", "query.tag", "must be text of 1 to 50 characters"],
    ["/v1/monitors?page=2", "query.page", "is unknown"],
    ["/v1/monitors?=2", 'query[""]', "is unknown"],
    ["/v1/monitors?limit=5&limit=6", "query.limit", "must be given once"],
    ["/v1/incidents?status=up", "query.status", "must be one of open, acknowledged, resolved"],
    ["/v1/incidents?monitorId=x", "query.monitorId", "must be an id"],
    ["/v1/deliveries?status=lost", "query.status", "must be one of pending, delivered, exhausted, cancelled"],
    ["/v1/deliveries?channelId=%00", "query.channelId", "must not contain a NUL character"],
    ["/v1/deliveries?monitorId=", "query.monitorId", "must be an id"],
    ["/v1/deliveries/dlv_1?whole=1", "query.whole", "is unknown"],
    ["/v1/dead-letters?stream=", "query.stream", "must be text of 1 to 200 characters"],
    ["/v1/monitors/{id}/uptime?window=1h", "query.window", "must be one of 24h, 7d, 30d, 90d"],
    ["/v1/monitors/{id}?verbose=1", "query.verbose", "is unknown"],
    ["/healthz?verbose=1", "query.verbose", "is unknown"],
  ])("at %s", async (path, field, message) => {
    const [named, said] = await complaint("GET", path.replace("{id}", monitorId));
    expect(named).toBe(field);
    expect(said).toContain(message);
  });
});

describe("a call to retry all is refused", () => {
  it.each([
    ["/v1/dead-letters/retry?stream=", "query.stream", "must be text of 1 to 200 characters"],
    ["/v1/dead-letters/retry?limit=5", "query.limit", "is unknown"],
    ["/v1/dead-letters/retry?cursor=x", "query.cursor", "must be the nextCursor of an earlier response"],
    ["/v1/deliveries/retry?channelId=x", "query.channelId", "must be an id"],
    ["/v1/deliveries/retry?monitorId=", "query.monitorId", "must be an id"],
    ["/v1/deliveries/retry?status=delivered", "query.status", "is unknown"],
  ])("at %s", async (path, field, message) => {
    const [named, said] = await complaint("POST", path);
    expect(named).toBe(field);
    expect(said).toContain(message);
  });
});

describe("an id", () => {
  it.each([
    ["GET", "/v1/monitors/{id}", undefined],
    ["PATCH", "/v1/monitors/{id}", {}],
    ["DELETE", "/v1/monitors/{id}", undefined],
    ["POST", "/v1/monitors/{id}/pause", undefined],
    ["POST", "/v1/monitors/{id}/resume", undefined],
    ["POST", "/v1/monitors/{id}/check", undefined],
    ["GET", "/v1/monitors/{id}/checks", undefined],
    ["GET", "/v1/monitors/{id}/uptime", undefined],
    ["GET", "/v1/incidents/{id}", undefined],
    ["POST", "/v1/incidents/{id}/acknowledge", undefined],
    ["POST", "/v1/incidents/{id}/resolve", undefined],
    ["GET", "/v1/channels/{id}", undefined],
    ["PATCH", "/v1/channels/{id}", {}],
    ["DELETE", "/v1/channels/{id}", undefined],
    ["POST", "/v1/channels/{id}/test", undefined],
    ["GET", "/v1/deliveries/{id}", undefined],
    ["POST", "/v1/deliveries/{id}/retry", undefined],
    ["POST", "/v1/deliveries/{id}/cancel", undefined],
    ["GET", "/v1/dead-letters/{id}", undefined],
    ["DELETE", "/v1/dead-letters/{id}", undefined],
    ["POST", "/v1/dead-letters/{id}/retry", undefined],
  ])("that is unknown, of another kind or none at all is a 404 of %s %s", async (method, path, body) => {
    const otherKind = path.includes("monitors") ? channelId : monitorId;
    for (const id of ["mon_0", otherKind, "x", "null", "%00", "..%2f", "mon_%27--", "😀"]) {
      expect(await call(method, path.replace("{id}", id), body), id).toMatchObject({
        status: 404,
        body: { code: "not_found" },
      });
    }
  });
});
