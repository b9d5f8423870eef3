import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as z from "zod/mini";
import { limits } from "../../../local/listen.ts";
import { startServer } from "../../../local/server.ts";
import { handle, type Route, reply } from "../../../runtime/api/route.ts";
import { createRouter } from "../../../runtime/api/router.ts";
import type { Ctx, FetchFunction, FunctionEnv } from "../../../runtime/contract.ts";
import { createBackground } from "../../../runtime/worker/background.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

const note = {
  method: "POST",
  path: "/v1/notes",
  auth: "none",
  summary: "",
  body: z.object({ text: z.string() }),
  responses: { 200: null },
} as const satisfies Route;
const MB = 1024 * 1024;

let env: TestEnv;
let server: Awaited<ReturnType<typeof startServer>>;
let calls: { readonly env: FunctionEnv; readonly ctx: Ctx; readonly request: Request }[];
let respond: (request: Request, ctx: Ctx) => Promise<Response>;

beforeEach(async () => {
  env = await testEnv();
  calls = [];
  respond = async () => Response.json({ hello: "world" });
  const fn: FetchFunction = {
    fetch(request, callEnv, ctx) {
      calls.push({ request, env: callEnv, ctx });
      return respond(request, ctx);
    },
  };
  const router = createRouter([
    { route: { method: "GET", path: "/v1/things", auth: "none" }, fn },
    { route: note, fn: handle(note, async () => reply(200, null)) },
  ]);
  const api = { router, env, background: createBackground(env.log) };
  server = await startServer(api, { host: "127.0.0.1", port: 0, variable: "PORT" });
});

afterEach(() => server.stop());

describe("The server", () => {
  test("answers GET, and HEAD with the same headers and no body", async () => {
    const got = await fetch(`${server.url}/v1/things`);
    expect([got.status, await got.json()]).toEqual([200, { hello: "world" }]);
    const head = await fetch(`${server.url}/v1/things`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(head.headers.get("content-type")).toBe(got.headers.get("content-type"));
  });

  test("answers 404 and 405 with problems", async () => {
    const missing = await fetch(`${server.url}/v1/nothing`, {
      headers: { authorization: `Bearer ${env.config.apiKey}` },
    });
    expect([missing.status, await missing.json()]).toMatchObject([404, { code: "not_found" }]);
    const wrong = await fetch(`${server.url}/v1/things`, { method: "PUT" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("answers a thrown error with a problem that has the request id and no stack, and logs it", async () => {
    respond = () => Promise.reject(new TypeError("cannot read the secret of undefined"));
    const response = await fetch(`${server.url}/v1/things`, { headers: { "x-request-id": "my-id-1" } });
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(JSON.parse(text)).toMatchObject({ code: "internal", status: 500, requestId: "my-id-1" });
    expect(text).not.toMatch(/secret|TypeError|at .*:\d+/);
    const fields = { error: "cannot read the secret of undefined", requestId: "my-id-1" };
    expect(env.logged).toMatchObject([{ level: "ERROR", fields }]);
  });

  test("takes a request id that is well formed, and makes one otherwise", async () => {
    const idFor = async (given: string | undefined) => {
      await fetch(`${server.url}/v1/things`, given === undefined ? {} : { headers: { "x-request-id": given } });
      return calls.at(-1)?.ctx.requestId ?? "";
    };
    expect(await idFor("trace:1234-abc_D.9")).toBe("trace:1234-abc_D.9");
    const made = [
      await idFor(undefined),
      await idFor(""),
      await idFor("x".repeat(129)),
      await idFor('"><script>'),
      await idFor("é"),
    ];
    expect(new Set(made).size).toBe(5);
    for (const id of made) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("gives a call a log whose lines carry its request id", async () => {
    await fetch(`${server.url}/v1/things`, { headers: { "x-request-id": "my-id-2" } });
    calls[0]?.env.log.info("hello");
    expect(env.logged).toMatchObject([{ message: "hello", fields: { requestId: "my-id-2" } }]);
  });

  test.each([
    ["a host header that is none", "GET /v1/things HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"],
    ["a target that is no path", "GET http:// HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
    ["no HTTP at all", "hello\r\n\r\n"],
    ["headers over 16 KB", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(17_000)}\r\n\r\n`],
  ])("refuses %s and goes on", async (_what, text) => {
    expect(await sendRaw(text)).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(calls).toEqual([]);
    expect((await fetch(`${server.url}/v1/things`)).status).toBe(200);
  });

  test("aborts the signal of a call whose client goes away", async () => {
    const aborted = new Promise<void>((resolve) => {
      respond = (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            resolve();
            reject(new Error("the client has gone"));
          });
        });
    });
    const client = new AbortController();
    const response = fetch(`${server.url}/v1/things`, { signal: client.signal }).catch(() => "gone");
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    client.abort();
    await aborted;
    expect(await response).toBe("gone");
  });
});

describe("A body", () => {
  test("of 1 MiB is read", async () => {
    const text = "x".repeat(MB - 11);
    expect((await post(JSON.stringify({ text }), { "content-length": MB })).statusCode).toBe(200);
  });

  test("over 1 MiB is a 413, with or without a content-length", async () => {
    const body = JSON.stringify({ text: "x".repeat(MB) });
    for (const headers of [{ "content-length": body.length }, { "transfer-encoding": "chunked" }]) {
      const response = await post(body, headers);
      expect([response.statusCode, await problemOf(response)]).toMatchObject([413, { code: "body_too_large" }]);
    }
    expect((await fetch(`${server.url}/v1/things`)).status).toBe(200);
  });

  test("has 20 s to arrive, and headers 10 s", () => {
    expect(limits).toMatchObject({ requestTimeout: 20_000, headersTimeout: 10_000, connectionsCheckingInterval: 1000 });
  });
});

describe("A server that is stopped", () => {
  test("sends the answers that are due, and then nothing holds it", async () => {
    let finish = () => {};
    respond = () =>
      new Promise((resolve) => {
        finish = () => resolve(Response.json({ late: true }));
      });
    const silent = connect(Number(new URL(server.url).port), "127.0.0.1");
    await once(silent, "connect");
    const agent = new Agent({ keepAlive: true });
    const answered = get(agent);
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    expect(server.left()).toBe("1 requests");
    const stopped = server.stop();
    finish();
    const response = await answered;
    response.resume();
    expect(response.statusCode).toBe(200);
    await stopped;
    expect(server.left()).toBeNull();
    await expect(fetch(`${server.url}/v1/things`)).rejects.toThrow();
    agent.destroy();
    silent.destroy();
  });

  test("breaks off what is not answered after half of the time to stop in", async () => {
    let aborted = false;
    respond = (request) =>
      new Promise((resolve) => {
        request.signal.addEventListener("abort", () => {
          aborted = true;
          resolve(Response.json({}));
        });
      });
    const failed = fetch(`${server.url}/v1/things`).catch((error: unknown) => error);
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const stopped = server.stop();
    vi.advanceTimersByTime(env.config.drainSeconds * 500);
    vi.useRealTimers();
    await stopped;
    expect(await failed).toBeInstanceOf(TypeError);
    await vi.waitFor(() => expect(aborted).toBe(true));
  });
});

test("A connection that says nothing does not hold a server that is stopped", async () => {
  const silent = connect(Number(new URL(server.url).port), "127.0.0.1");
  await once(silent, "connect");
  await fetch(`${server.url}/v1/things`); // so that the server has seen the connection before it
  const closed = once(silent, "close");
  silent.resume();
  await server.stop();
  await closed;
}, 5000);

test("A port that is taken is a clear error", async () => {
  const place = { host: "127.0.0.1", port: Number(new URL(server.url).port), variable: "PORT" as const };
  const second = startServer({ router: createRouter([]), env, background: createBackground(env.log) }, place);
  await expect(second).rejects.toThrow(/is taken\. Stop the program that has it, or set PORT to a free port\./);
});

async function sendRaw(text: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  let reply = "";
  socket.setEncoding("utf8").on("data", (part: string) => {
    reply += part;
  });
  socket.on("error", () => {}); // the server may close before all is sent
  socket.write(text);
  await once(socket, "close");
  return reply;
}

async function get(agent: Agent): Promise<IncomingMessage> {
  const [response] = await once(httpRequest(`${server.url}/v1/things`, { agent }).end(), "response");
  return response;
}

async function post(body: string, headers: Record<string, string | number>): Promise<IncomingMessage> {
  const options = { method: "POST", headers: { "content-type": "application/json", ...headers } };
  const request = httpRequest(`${server.url}/v1/notes`, options);
  request.on("error", () => {}); // the server need not read all of a body that is too large
  request.end(body);
  const [response] = await once(request, "response");
  return response;
}

async function problemOf(response: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const part of response) text += String(part);
  return JSON.parse(text);
}
