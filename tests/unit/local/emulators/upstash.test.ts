import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startControl } from "../../../../local/emulators/control.ts";
import { startUpstashEmulator } from "../../../../local/emulators/upstash.ts";
import { ownRedisMissing, redisMissing, startOwnRedis } from "../../../../testing/redis.ts";
import { startUpstash, type TestUpstash, upstashToken } from "../../../../testing/upstash.ts";

// What the emulator must share with the service, as far as the service's documentation says.
describe.skipIf(redisMissing !== null)(
  `The emulator of Upstash${redisMissing === null ? "" : ` (${redisMissing})`}`,
  () => {
    let upstash: TestUpstash;
    let key: string;
    beforeEach(async () => {
      upstash = await startUpstash();
      key = `${upstash.redis.prefix}key`;
    });
    afterEach(async () => {
      await upstash.redis.loseEverything();
      await upstash.stop();
    });

    const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
      const response = await fetch(`${upstash.emulator.url}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${upstashToken}`, ...headers },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    };

    test("answers a command, a pipeline and a transaction", async () => {
      expect(await post("/", ["SET", key, 5])).toEqual({ status: 200, body: { result: "OK" } });
      const list = [
        ["incr", key],
        ["get", key],
        ["lpush", key, "1"],
        ["hmget", `${key}2`, "a"],
      ];
      const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
      const answers = (n: number) => [{ result: n }, { result: `${n}` }, { error: wrongType }, { result: [null] }];
      expect(await post("/pipeline", list)).toEqual({ status: 200, body: answers(6) });
      expect(await post("/multi-exec", list)).toEqual({ status: 200, body: answers(7) });
    });

    test("encodes every string but a bare OK, if asked to", async () => {
      const list = [
        ["set", key, "OK"],
        ["get", key],
        ["mget", key, `${key}2`],
        ["strlen", key],
      ];
      const { body } = await post("/pipeline", list, { "upstash-encoding": "base64" });
      expect(body).toEqual([{ result: "OK" }, { result: "OK" }, { result: ["T0s=", null] }, { result: 2 }]);
      const echoed = await post("/", ["echo", "é"], { "upstash-encoding": "base64" });
      expect(echoed.body).toEqual({ result: "w6k=" });
    });

    test("gives a sync token with each answer", async () => {
      const { headers } = await fetch(upstash.emulator.url, {
        method: "POST",
        headers: { authorization: `Bearer ${upstashToken}` },
        body: '["ping"]',
      });
      expect(headers.get("upstash-sync-token")).toMatch(/./);
    });

    test("refuses bad requests: 400 with the error, 401 without the token, 404, 405", async () => {
      const error = "ERR wrong number of arguments for 'get' command";
      expect(await post("/", ["get"])).toEqual({ status: 400, body: { error } });
      expect(await post("/multi-exec", [["set", key, "1"], ["get"]])).toEqual({ status: 400, body: { error } });
      expect(await post("/", ["get", key])).toEqual({ status: 200, body: { result: null } });
      for (const body of ["not a list", [], [[]], {}]) expect((await post("/", body)).status).toBe(400);
      expect(await post("/", ["echo", "x".repeat(1024 * 1024)])).toMatchObject({
        body: { error: expect.stringMatching(/^ERR max request size exceeded/) },
      });
      expect(await post("/", ["ping"], { authorization: "Bearer other" })).toEqual({
        status: 401,
        body: { error: "WRONGPASS invalid or missing auth token" },
      });
      expect((await post("/nowhere", [])).status).toBe(404);
      expect((await fetch(upstash.emulator.url, { method: "DELETE" })).status).toBe(405);
    });

    test.each([
      ["blpop", "list", "0"],
      ["XREADGROUP", "GROUP", "g", "c", "BLOCK", "1", "STREAMS", "s", ">"],
      ["watch", "k"],
    ])("refuses %s %s", async (...words) => {
      expect(await post("/", words)).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining("not available") },
      });
      expect((await post("/multi-exec", [["set", key, "1"], words])).status).toBe(400);
      expect((await post("/", ["exists", key])).body).toEqual({ result: 0 });
    });

    test("counts each command that Upstash would charge for, in pipelines and scripts too", async () => {
      const script = "redis.call('set', KEYS[1], 1) redis.call('incr', KEYS[1]) return redis.call('incr', KEYS[1])";
      await post("/pipeline", [["ping"], ["PING"], ["eval", script, 1, key], ["get"]]);
      expect(upstash.emulator.billed).toEqual(
        new Map([
          ["ping", 2],
          ["eval", 1],
          ["set", 1],
          ["incr", 2],
          ["get", 1],
        ]),
      );
    });

    test("takes its faults from the control server", async () => {
      const { faults, billed } = upstash.emulator;
      const cut = vi.fn();
      const control = await startControl({ faults, counts: () => Object.fromEntries(billed), actions: { cut } });
      const ask = async (path: string, init: RequestInit = {}) => (await fetch(control.url + path, init)).json();
      expect(await ask("/", { method: "POST", body: '{"answer": {"status": 429, "times": 1}}' })).toEqual({});
      expect(await post("/", ["ping"])).toMatchObject({ status: 429 });
      expect(await post("/", ["ping"])).toEqual({ status: 200, body: { result: "PONG" } });
      expect(await ask("/")).toMatchObject({ faults: { answer: { times: 0 } }, counts: { ping: 1 } });
      expect(await ask("/", { method: "POST", body: '{"latncyMs": 1}' })).toEqual({
        error: expect.stringMatching(/^Unknown faults: latncyMs\. Known: latencyMs, answer, /),
      });
      await ask("/cut", { method: "POST" });
      expect(cut).toHaveBeenCalledOnce();
      await control.close();
    });
  },
);

test.skipIf(ownRedisMissing !== null)(
  `The emulator of Upstash gives up on a silent Redis, and continues once Redis answers again (${ownRedisMissing ?? "own Redis"})`,
  async () => {
    const redis = await startOwnRedis();
    const emulator = await startUpstashEmulator({ redisUrl: redis.url, token: upstashToken });
    const ping = async () => {
      const headers = { authorization: `Bearer ${upstashToken}` };
      return (await fetch(emulator.url, { method: "POST", headers, body: '["ping"]' })).status;
    };
    expect(await ping()).toBe(200);
    redis.pause();
    expect(await ping()).toBe(500);
    redis.resume();
    await vi.waitFor(async () => expect(await ping()).toBe(200), { timeout: 10_000 });
    await emulator.close();
    await redis.stop();
  },
);
