import { afterEach, describe, expect, it } from "vitest";
import { askTargets } from "../../../../domain/connectivity/ask-targets.ts";
import { createConnectivity } from "../../../../domain/connectivity/connectivity.ts";
import type { HttpDriver } from "../../../../runtime/drivers/http/http.ts";
import { createUndiciHttp } from "../../../../runtime/drivers/http/undici.ts";
import { serveBytes, serveHttp, serveTcp, type TestServer } from "../../../../testing/http-servers.ts";
import { answer, createScriptedHttp, failure } from "../../../../testing/scripted-http.ts";

describe("connectivity targets, over real sockets", () => {
  const servers: TestServer[] = [];
  const drivers: HttpDriver[] = [];
  afterEach(async () => {
    for (const driver of drivers.splice(0)) await driver.close();
    for (const server of servers.splice(0)) await server.close();
  });

  const keep = async (server: Promise<TestServer>) => {
    servers.push(await server);
    return servers.at(-1) as TestServer; // just pushed
  };
  const open = (policy: "private" | "public" = "private", concurrency = 10) => {
    drivers.push(createUndiciHttp({ policy, concurrency }));
    return drivers.at(-1) as HttpDriver; // just pushed
  };
  const answering = (status: number) => keep(serveHttp((_, response) => response.writeHead(status).end()));
  const silent = () => keep(serveHttp(() => {}));
  const refusing = async () => {
    const { url, close } = await serveTcp(() => {});
    await close();
    return url;
  };

  it.each([204, 301, 500])("see by one answer, even a %i, while others fail", async (status) => {
    expect(await askTargets(open(), [await refusing(), (await answering(status)).url])).toBe(true);
  });

  it("see at the first answer, and ask no more of those that are silent", async () => {
    const silence = await silent();
    expect(await askTargets(open(), [silence.url, (await answering(204)).url])).toBe(true);
    await silence.abandoned();
    const http = createScriptedHttp();
    http.on(() => answer(204));
    http.on("http://silent.example/", () => new Promise(() => {}));
    expect(await askTargets(http, ["http://silent.example/", "http://b.example/"])).toBe(true);
  });

  it("are asked again when this process stood still during the answer, and count as silent when it always does", async () => {
    const http = createScriptedHttp();
    let times = 0;
    http.on(() => (++times === 2 ? failure("timeout") : failure("aborted", "HELD_UP")));
    expect(await askTargets(http, ["http://a.example/"])).toBe(false);
    expect(times).toBe(2);
    http.on(() => failure("aborted", "HELD_UP"));
    expect(await askTargets(http, ["http://a.example/"])).toBe(false);
  });

  it("are offline when every one refuses, cannot be found, speaks no TLS or no HTTP", async () => {
    const babbling = await keep(serveBytes("not http at all\r\n\r\n"));
    const urls = [await refusing(), "http://nowhere.invalid/", babbling.url.replace("http:", "https:"), babbling.url];
    expect(await askTargets(open(), urls)).toBe(false);
  });

  it("wait 3 s for an answer, and no longer", async () => {
    const http = createScriptedHttp();
    http.on(() => failure("timeout"));
    expect(await askTargets(http, ["http://a.example/"])).toBe(false);
    expect(http.calls).toMatchObject([{ timeoutMs: 3000, maxRedirects: 0, atOnce: true }]);
    expect(await askTargets(open(), [(await silent()).url])).toBe(false);
  });

  it("are not held up by checks that hang", async () => {
    const hanging = await silent();
    const http = open("private", 1);
    const check = http.call({ method: "GET", url: hanging.url, timeoutMs: 60_000, maxRedirects: 0, maxBodyBytes: 0 });
    expect(await askTargets(http, [(await answering(204)).url])).toBe(true);
    await hanging.close();
    expect(await check).toMatchObject({ ok: false });
    const after = await http.call({
      method: "GET",
      url: (await answering(200)).url,
      timeoutMs: 5000,
      maxRedirects: 0,
      maxBodyBytes: 0,
    });
    expect(after.ok).toBe(true); // and gave no turn back that they had not taken
  });

  it("that the policy forbids do not count: alone they make nobody offline", async () => {
    const { url } = await answering(204);
    expect(await askTargets(open("public"), [url])).toBe(true);
    const http = createScriptedHttp();
    http.on("http://a.example/", () => failure("blocked"));
    http.on("http://b.example/", () => failure("connect"));
    expect(await askTargets(http, ["http://a.example/", "http://b.example/"])).toBe(false);
  });
});

describe("a process' connectivity", () => {
  /** Rounds that end when the test says so. */
  function setUp() {
    const ends: ((saw: boolean) => void)[] = [];
    const connectivity = createConnectivity(() => new Promise((resolve) => void ends.push(resolve)));
    return { connectivity, ends, settle: () => new Promise((resolve) => setImmediate(resolve)) };
  }

  it("is asked once for all failures that ended before the round began", async () => {
    const { connectivity, ends } = setUp();
    const now = performance.now();
    const asked = [connectivity.sees(now), connectivity.sees(now), connectivity.sees(now - 5)];
    expect(ends).toHaveLength(1);
    ends[0]?.(false);
    expect(await Promise.all(asked)).toEqual([false, false, false]);
    expect(await connectivity.sees(now - 5)).toBe(false); // late to ask, though it failed before
    expect(ends).toHaveLength(1);
  });

  it("is asked once more, by one round, for all that failed while a round went on", async () => {
    const { connectivity, ends, settle } = setUp();
    const first = connectivity.sees(performance.now());
    await settle();
    const later = [connectivity.sees(performance.now()), connectivity.sees(performance.now())];
    expect(ends).toHaveLength(1);
    ends[0]?.(true);
    expect(await first).toBe(true);
    await settle();
    expect(ends).toHaveLength(2);
    ends[1]?.(false);
    expect(await Promise.all(later)).toEqual([false, false]);
    expect(ends).toHaveLength(2);
  });

  it("counts for a while where nothing rests on it, if it saw", async () => {
    const { connectivity, ends } = setUp();
    const before = performance.now();
    const first = connectivity.sees(before);
    ends[0]?.(true);
    await first;
    expect(await connectivity.sees(performance.now(), before)).toBe(true);
    expect(ends).toHaveLength(1);
    const second = connectivity.sees(performance.now());
    ends[1]?.(false);
    await second;
    const third = connectivity.sees(performance.now(), before);
    expect(ends).toHaveLength(3);
    ends[2]?.(true);
    expect(await third).toBe(true);
  });

  it("knows from when to when it saw nothing", async () => {
    const { connectivity, ends } = setUp();
    const round = async (saw: boolean) => {
      const asked = connectivity.sees(performance.now());
      ends.at(-1)?.(saw);
      await asked;
    };
    expect(connectivity.offline()).toBe(null);
    const before = performance.now();
    await round(false);
    const first = connectivity.offline();
    expect(first?.since).toBeGreaterThanOrEqual(before);
    await round(false);
    const second = connectivity.offline();
    expect([second?.since, second?.until]).toEqual([first?.since, Number.POSITIVE_INFINITY]);
    expect(second?.last).toBeGreaterThan(first?.last ?? 0);
    await round(true);
    const third = connectivity.offline();
    expect(third).toEqual({ ...second, until: expect.any(Number) });
    expect(third?.until).toBeGreaterThanOrEqual(second?.last ?? 0);
    await round(true);
    expect(connectivity.offline()).toEqual(third);
    await round(false);
    expect(connectivity.offline()?.since).toBeGreaterThanOrEqual(third?.until ?? 0);
  });
});
