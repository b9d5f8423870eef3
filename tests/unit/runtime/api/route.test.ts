import { afterAll, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import * as z from "zod/mini";
import { handle, type Route, reply } from "../../../../runtime/api/route.ts";
import type { FetchFunction } from "../../../../runtime/contract.ts";
import { StillupError } from "../../../../runtime/errors.ts";
import type { Json } from "../../../../testing/routes.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const MIB = 1024 * 1024;
let env: TestEnv;

beforeEach(async () => {
  env = await testEnv();
});
afterAll(() => env.close());

const route = {
  method: "POST",
  path: "/v1/things/{id}",
  auth: "key",
  summary: "",
  query: z.strictObject({ limit: z.optional(z.string("must be text")) }),
  body: z.looseObject({ size: z.int("must be a whole number"), name: z.string() }),
  responses: { 200: z.unknown() },
} as const satisfies Route;

const { body: _body, ...bodiless } = route;
const { query: _query, ...queryless } = route;
const echo = handle(route, async ({ params, query, body }) => reply(200, { params, query, body }));

async function problem(response: Response): Promise<Json> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("x-request-id")).toBe("test-request");
  const body = await response.json();
  expect(body).toMatchObject({ status: response.status, requestId: "test-request" });
  return body;
}

/** A request with the key. Headers of null are left out. */
function post(
  body: RequestInit["body"],
  headers: Record<string, string | null> = {},
  path = "/v1/things/x_1",
): Request {
  const all = { authorization: `Bearer ${env.config.apiKey}`, "content-type": "application/json", ...headers };
  const given = Object.entries(all).filter((header): header is [string, string] => header[1] !== null);
  return new Request(`http://stillup.test${path}`, {
    method: "POST",
    headers: given,
    body,
    duplex: "half",
  } as RequestInit);
}

async function fields(request: Request, fn: FetchFunction = echo): Promise<string[]> {
  const response = await env.call(fn, request);
  expect(response.status).toBe(400);
  return (await problem(response)).errors.map((error: Json) => error.field);
}

/** A body in small parts, of which nobody knows how many will come. Counts what was read. */
function stream(parts: Iterable<Uint8Array>): { body: ReadableStream; read: () => number } {
  let read = 0;
  const iterator = parts[Symbol.iterator]();
  const pull = (controller: ReadableStreamDefaultController) => {
    const next = iterator.next();
    if (next.done) return controller.close();
    read += next.value.length;
    controller.enqueue(next.value);
  };
  const body = new ReadableStream({ pull }, { highWaterMark: 0 });
  return { body, read: () => read };
}

describe("a handler", () => {
  it("gets what was checked, with the types of its schemas", async () => {
    handle(route, async ({ params, query, body }) => {
      expectTypeOf(params).toEqualTypeOf<Readonly<Record<"id", string>>>();
      expectTypeOf(query).toEqualTypeOf<{ limit?: string | undefined }>();
      expectTypeOf(body).toMatchTypeOf<{ size: number; name: string }>();
      return reply(200, null);
    });
    const response = await env.call(echo, post('{"size": 1, "name": "ä"}', {}, "/v1/things/x_1?limit=%C3%A4"));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({
      params: { id: "x_1" },
      query: { limit: "ä" },
      body: { size: 1, name: "ä" },
    });
  });

  it("answers HEAD as GET, without the body", async () => {
    const get = handle({ ...bodiless, method: "GET" }, async () => reply(200, { a: 1 }));
    const response = await env.call(get, env.request("HEAD", "/v1/things/x_1"));
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
      200,
      "application/json",
      "",
    ]);
  });

  it("is not reached by another method or path, where it stands alone", async () => {
    const other = await env.call(echo, env.request("GET", "/v1/things/x_1"));
    expect([other.status, other.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await problem(other)).code).toBe("method_not_allowed");
    expect((await env.call(echo, env.request("POST", "/v1/others/x_1", {}))).status).toBe(404);
  });

  it.each(["x", "1_x", "x_", "X_1", "x_1%20", "x_%31", "..%2fx_1", "x_1%00", "x-1", `x_${"1".repeat(81)}`])(
    "is not reached with %j for an id",
    async (id) => {
      const response = await env.call(echo, post("{}", {}, `/v1/things/${id}`));
      expect(response.status).toBe(404);
    },
  );
});

describe("a key", () => {
  it.each([
    ["missing", null],
    ["wrong", "Bearer another-key-of-every-test-environment-01234"],
    ["a part of the right one", "Bearer the-key-of-every-test"],
    ["more than the right one", "Bearer the-key-of-every-test-environment-0123456789x"],
    ["empty", "Bearer "],
    ["two words", "Bearer the-key-of-every-test-environment-0123456789 x"],
    ["of another scheme", "Basic dGhlLWtleQ=="],
    ["bare", "the-key-of-every-test-environment-0123456789"],
    ["beyond ASCII", "Bearer ÿÿÿ"],
  ])(
    "that is %s is a 401 that says what is wanted, before anything else is looked at",
    async (_what, authorization) => {
      const response = await env.call(echo, post("no JSON", { authorization }, "/v1/unknown?x=y"));
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe('Bearer realm="stillup"');
      const { code, detail } = await problem(response);
      expect(code).toBe("unauthorized");
      expect(detail).toContain('"Authorization: Bearer <key>"');
      expect(detail).not.toContain("the-key");
    },
  );

  it("may come with the scheme in any case", async () => {
    const authorization = `bearer  ${env.config.apiKey}`;
    expect((await env.call(echo, post('{"size": 1, "name": ""}', { authorization }))).status).toBe(200);
  });

  it("is not asked for where the route needs none", async () => {
    const open = handle({ ...route, auth: "none" }, async () => reply(200, null));
    expect((await env.call(open, post('{"size": 1, "name": ""}', { authorization: null }))).status).toBe(200);
  });
});

describe("a body", () => {
  it.each(["", "no JSON", "{", "{'a': 1}", '{"a": NaN}', "\u00a0{}"])("that is no JSON is named: %j", async (text) => {
    expect(await fields(post(text))).toEqual(["body"]);
  });

  it.each(["[]", "null", '"text"', "1"])("that is no object is named: %s", async (text) => {
    expect(await fields(post(text))).toEqual(["body"]);
  });

  it("that is missing is named", async () => {
    expect(await fields(post(null))).toEqual(["body"]);
  });

  it.each([null, "text/plain", "application/json; charset=latin1", "application/jsonx", "multipart/form-data"])(
    "of the content type %j is refused",
    async (type) => {
      expect(await fields(post(new TextEncoder().encode('{"size": 1, "name": ""}'), { "content-type": type }))).toEqual(
        ["content-type"],
      );
    },
  );

  it.each(["application/json;charset=utf-8", 'Application/JSON; charset="UTF-8"'])("of %s is taken", async (type) => {
    expect((await env.call(echo, post('{"size": 1, "name": ""}', { "content-type": type }))).status).toBe(200);
  });

  it("that is no UTF-8 is named", async () => {
    const bytes = Uint8Array.from([...new TextEncoder().encode('{"size": 1, "name": "'), 0xff, 0xfe, 0x22, 0x7d]);
    expect(await fields(post(bytes))).toEqual(["body"]);
    const cut = new TextEncoder().encode('{"size": 1, "name": "ä').slice(0, -1);
    expect(await fields(post(cut))).toEqual(["body"]);
  });

  it("that breaks off is named", async () => {
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error("the client is gone"));
      },
    });
    expect(await fields(post(body))).toEqual(["body"]);
  });

  it("of exactly 1 MiB is taken, of one byte more is a 413", async () => {
    const frame = '{"size": 1, "name": ""}'.length;
    const text = (bytes: number) => `{"size": 1, "name": "${"a".repeat(bytes - frame)}"}`;
    expect((await env.call(echo, post(text(MIB)))).status).toBe(200);
    const response = await env.call(echo, post(text(MIB + 1)));
    expect([response.status, (await problem(response)).code]).toEqual([413, "body_too_large"]);
  });

  it.each([null, "10"])("without end is read no further than 1 MiB, with a content-length of %j", async (length) => {
    const endless = stream(
      (function* () {
        for (;;) yield new Uint8Array(64 * 1024).fill(0x20);
      })(),
    );
    const response = await env.call(echo, post(endless.body, { "content-length": length }));
    expect(response.status).toBe(413);
    expect(endless.read()).toBeLessThan(MIB + 4 * 64 * 1024);
  });

  it("that says it is too long is not read", async () => {
    const { body, read } = stream([new Uint8Array(10)]);
    const request = post(body, { "content-length": `${MIB + 1}` });
    expect((await env.call(echo, request)).status).toBe(413);
    expect(read()).toBe(0);
  });

  it("may come in parts that cut its characters", async () => {
    const bytes = new TextEncoder().encode('{"size": 1, "name": "ä😀"}');
    const { body } = stream([...bytes].map((byte) => Uint8Array.of(byte)));
    const response = await env.call(echo, post(body));
    expect(await response.json()).toMatchObject({ body: { name: "ä😀" } });
  });

  it("may be nested half a million deep", async () => {
    const quiet = handle(route, async () => reply(200, null));
    const deep = "[".repeat(500_000) + "]".repeat(500_000);
    expect((await env.call(quiet, post(`{"size": 1, "name": "", "deep": ${deep}}`))).status).toBe(200);
  });

  it("may not hold NUL or lone surrogates, wherever they are", async () => {
    const text = String.raw`{"size": 1, "name": "a\u0000", "list": [{"b": "\ud800"}], "\udfff": 1, "fine": "\ud83d\ude00"}`;
    expect(await fields(post(text))).toEqual(["\udfff", "name", "list[0].b"]);
  });

  it("has all that is wrong with it named at once, and the query too", async () => {
    const request = post('{"size": 1.5, "more": "\\u0000"}', {}, "/v1/things/x_1?limit=1&limit=2&other=3");
    const { errors, detail } = await problem(await env.call(echo, request));
    expect(errors).toEqual([
      { field: "query.limit", message: "query.limit must be given once" },
      { field: "query.other", message: "query.other is unknown; remove it" },
      { field: "more", message: "more must not contain a NUL character or half of a surrogate pair" },
      { field: "size", message: "size must be a whole number" },
      { field: "name", message: "name is missing: it must be text" },
    ]);
    expect(detail).toMatch(/^query\.limit must be given once; .*; and 2 more\.$/);
  });

  it("has at most 50 errors named, and long names cut", async () => {
    const strict = handle({ ...route, body: z.strictObject({}) }, async () => reply(200, null));
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`${index}${"k".repeat(300)}`, 1]));
    const response = await env.call(strict, post(JSON.stringify(many)));
    const { errors } = await problem(response);
    expect(errors).toHaveLength(50);
    expect(errors[0].field).toHaveLength(200);
  });
});

describe("a route without a body", () => {
  const empty = handle(bodiless, async () => reply(200, null));

  it.each<[string, RequestInit["body"]]>([
    ["an object", '{"channelId": "ch_1"}'],
    ["a list", "[]"],
    ["a form", "channelId=ch_1"],
    ["bytes", new Uint8Array([0xff])],
    ["2 MiB", "x".repeat(2 * MIB)],
  ])("refuses one, and says where filters go: %s", async (_, body) => {
    const { detail, errors } = await problem(await env.call(empty, post(body)));
    expect(errors).toEqual([{ field: "body", message: expect.stringContaining("goes into the query") }]);
    expect(detail).toContain("body must be empty");
  });

  it.each([undefined, "", "{}", " { }\n"])("takes one that says nothing: %j", async (body) => {
    expect((await env.call(empty, post(body))).status).toBe(200);
  });

  it("reports both, a body and a bad query", async () => {
    expect(await fields(post("[]", {}, "/v1/things/x_1?limit=1&limit=2"), empty)).toEqual(["query.limit", "body"]);
  });
});

describe("a query", () => {
  it("is refused where the route takes none", async () => {
    const plain = handle(queryless, async () => reply(200, null));
    const request = post('{"size": 1, "name": ""}', {}, "/v1/things/x_1?a=1&__proto__=2");
    expect(await fields(request, plain)).toEqual(["query.__proto__", "query.a"]);
  });

  it("may not hold NUL", async () => {
    expect(await fields(post('{"size": 1, "name": ""}', {}, "/v1/things/x_1?limit=%00"))).toEqual(["query.limit"]);
  });
});

describe("an error", () => {
  const throwing = (error: unknown) =>
    handle(bodiless, async () => {
      throw error;
    });
  const request = () => env.request("POST", "/v1/things/x_1");

  it("that was not expected is a 500 that shows nothing of it, and is logged", async () => {
    const response = await env.call(throwing(new Error("secret inside")), request());
    expect(response.status).toBe(500);
    const body = await problem(response);
    expect(body.code).toBe("internal");
    expect(JSON.stringify(body)).not.toMatch(/secret|stack|at /);
    expect(env.logged).toEqual([
      {
        level: "ERROR",
        message: "A request failed.",
        fields: expect.objectContaining({
          requestId: "test-request",
          error: "secret inside",
          stack: expect.any(String),
        }),
      },
    ]);
  });

  it("may come of the answer itself", async () => {
    const unspeakable = handle(bodiless, async () => reply(200, 1n));
    expect((await env.call(unspeakable, request())).status).toBe(500);
  });

  it.each([undefined, null, "text", { status: 204 }])("may be anything: %j", async (thrown) => {
    expect((await env.call(throwing(thrown), request())).status).toBe(500);
  });

  it("of the database's is a 500 that shows nothing of the statement", async () => {
    const response = await env.call(throwing(new StillupError("database_error", "select secret")), request());
    const body = await problem(response);
    expect([body.status, body.code]).toEqual([500, "database_error"]);
    expect(JSON.stringify(body)).not.toContain("secret");
    expect(env.logged[0]?.fields).toMatchObject({ error: "select secret" });
  });

  it("that a service is away is a 503 with its detail, and one line in the log", async () => {
    const response = await env.call(throwing(new StillupError("database_unavailable", "It is away.")), request());
    expect(await problem(response)).toMatchObject({ status: 503, code: "database_unavailable", detail: "It is away." });
    expect(env.logged.map(({ level }) => level)).toEqual(["WARN"]);
  });

  it("of the caller's is not logged", async () => {
    await env.call(throwing(new StillupError("not_found", "No.")), request());
    expect(env.logged).toEqual([]);
  });
});
