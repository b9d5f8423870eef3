import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { handle, type Route, reply } from "../../../../runtime/api/route.ts";
import { createRouter, type Router } from "../../../../runtime/api/router.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

let env: TestEnv;
let router: Router;

beforeAll(async () => {
  env = await testEnv();
  router = createRouter([
    entry("GET", "/v1/things"),
    entry("POST", "/v1/things"),
    entry("GET", "/v1/things/{id}"),
    entry("GET", "/v1/things/special_one"),
    entry("POST", "/v1/things/{id}/do"),
    entry("GET", "/v1/things/special_one/only"),
    entry("GET", "/healthz", "none"),
  ]);
});
afterAll(() => env.close());

function entry(method: Route["method"], path: Route["path"], auth: Route["auth"] = "key") {
  const route = { method, path, auth, summary: "", responses: { 200: z.string() } } as const;
  return { route, fn: handle(route, async () => reply(200, `${method} ${path}`)) };
}

async function send(method: string, path: string, key: string | null = env.config.apiKey) {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  const request = new Request(`http://stillup.test${path}`, { method, headers });
  const response = await router(request, env, env.ctx());
  return { status: response.status, text: await response.text(), allow: response.headers.get("allow") };
}

describe("the router", () => {
  it.each([
    ["GET", "/v1/things", "GET /v1/things"],
    ["POST", "/v1/things", "POST /v1/things"],
    ["GET", "/v1/things/x_1", "GET /v1/things/{id}"],
    ["GET", "/v1/things/special_one", "GET /v1/things/special_one"],
    ["GET", "/v1/things/special_one/only", "GET /v1/things/special_one/only"],
    ["POST", "/v1/things/special_one/do", "POST /v1/things/{id}/do"],
    ["GET", "/healthz", "GET /healthz"],
    ["GET", "/healthz#part", "GET /healthz"],
  ])("finds %s %s", async (method, path, found) => {
    expect(await send(method, path)).toMatchObject({ status: 200, text: found });
  });

  it("answers HEAD where there is a GET", async () => {
    expect(await send("HEAD", "/v1/things")).toMatchObject({ status: 200, text: "" });
    expect(await send("HEAD", "/v1/things/x_1/do")).toMatchObject({ status: 405, text: "" });
  });

  it.each([
    "/",
    "/v1",
    "/v2/things",
    "/V1/things",
    "/v1/things/",
    "//v1/things",
    "/v1//things",
    "/v1/things/x_1/do/more",
    "/v1/things//do",
    "/v1/%74hings",
    "/v1/things%2fx_1",
    "/v1/things/..%2f..%2fhealthz",
    "/v1/things%00",
    "/v1/things;a=b",
    "/v1/things/x",
    "/__proto__",
    "/v1/constructor",
  ])("finds nothing at %s", async (path) => {
    expect(await send("GET", path)).toMatchObject({ status: 404 });
  });

  it("says which methods an address takes", async () => {
    expect(await send("DELETE", "/v1/things")).toMatchObject({ status: 405, allow: "GET, HEAD, POST" });
    expect(await send("GET", "/v1/things/x_1/do")).toMatchObject({ status: 405, allow: "POST" });
    expect(await send("OPTIONS", "/v1/things/x_1")).toMatchObject({ status: 405, allow: "GET, HEAD" });
  });

  it.each([
    ["GET", "/v1/things"],
    ["DELETE", "/v1/things"],
    ["GET", "/v1/nothing"],
    ["GET", "/"],
  ])("wants a key before it says anything of %s %s", async (method, path) => {
    expect(await send(method, path, null)).toMatchObject({ status: 401 });
    expect(await send(method, path, "x".repeat(40))).toMatchObject({ status: 401 });
  });

  it("wants no key where the route needs none", async () => {
    expect(await send("GET", "/healthz", null)).toMatchObject({ status: 200 });
    expect(await send("POST", "/healthz", null)).toMatchObject({ status: 405, allow: "GET, HEAD" });
  });

  it("cannot be made with two functions for one method and path", () => {
    const twice = [entry("GET", "/v1/things/{id}"), entry("GET", "/v1/things/{other}")];
    expect(() => createRouter(twice)).toThrow("Two functions answer GET /v1/things/{other}");
  });
});
