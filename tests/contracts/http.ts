import { getEventListeners } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { HttpCall } from "../../runtime/drivers/http/http.ts";
import { serveHttp, type TestServer } from "../../testing/http-servers.ts";
import { answered, Closing, failed, get, type HttpHost, type MakeOptions } from "./http-host.ts";
import { httpSocketContract } from "./http-sockets.ts";

/** What every Http adapter does. */
export function httpContract(name: string, host: HttpHost): void {
  describe(name, () => {
    portableContract(host);
    if (host.withoutSockets) describe("without sockets of its own", () => withoutSocketsContract(host));
    else describe("over sockets of its own", () => httpSocketContract(host));
  });
}

function portableContract({ make, withoutSockets = false }: HttpHost): void {
  const closing = new Closing();
  afterEach(() => closing.all());

  const open = (options: Partial<MakeOptions> = {}) =>
    closing.add(make({ policy: "private", concurrency: 50, ...options }));
  const serve = async (handler: RequestListener): Promise<TestServer> => closing.add(await serveHttp(handler));
  const fetchFrom = async (handler: RequestListener, call: Partial<HttpCall> = {}) => {
    const { url } = await serve(handler);
    return open().call({ ...get, url, ...call });
  };

  describe("an answer", () => {
    test("has the status, the headers in lower case, and the body", async () => {
      const answer = answered(
        await fetchFrom((_, response) => response.writeHead(418, { "X-Kind": "Teapot" }).end("Short and stout: ü")),
      );
      expect(answer).toMatchObject({ statusCode: 418, body: "Short and stout: ü", truncated: false });
      expect(answer.headers["x-kind"]).toBe("Teapot");
      expect(answer.totalMs).toBeGreaterThan(0);
    });

    test("has several values of one header joined", async () => {
      const answer = await fetchFrom((_, response) => response.writeHead(200, { Vary: ["Accept", "Cookie"] }).end());
      expect(answered(answer).headers["vary"]).toBe("Accept, Cookie");
    });

    test("may carry headers named like parts of every object", async () => {
      const names = { constructor: "a", ["__proto__"]: "b", toString: "c" };
      const answer = await fetchFrom((_, response) => {
        for (const [name, value] of Object.entries(names)) response.setHeader(name, value);
        response.end();
      });
      expect(answered(answer).headers["constructor"]).toBe("a");
      expect(answered(answer).headers["tostring"]).toBe("c");
      expect(Object.entries(answered(answer).headers)).toContainEqual(["__proto__", "b"]);
    });

    test("to HEAD, and a 204 and a 304, has no body and is no failure", async () => {
      const handler: RequestListener = (request, response) => {
        const statusCode = Number(request.url?.slice(1));
        response.writeHead(statusCode, { "content-length": statusCode === 204 ? 0 : 1000 }).end();
      };
      const { url } = await serve(handler);
      const http = open();
      for (const [method, path] of [["HEAD", "/200"] as const, ["GET", "/204"] as const, ["GET", "/304"] as const]) {
        const answer = answered(await http.call({ ...get, method, url: url + path }));
        expect([answer.statusCode, answer.body, answer.truncated]).toEqual([Number(path.slice(1)), "", false]);
      }
    });

    test.each([
      ["gzip", gzipSync],
      ["deflate", deflateSync],
      ["deflate", deflateRawSync],
      ["br", brotliCompressSync],
    ])("in %s is decoded", async (coding, compress) => {
      const text = "All human beings are born free. ".repeat(2000);
      const answer = await fetchFrom((_, response) =>
        response.writeHead(200, { "content-encoding": coding }).end(compress(text)),
      );
      expect(answered(answer)).toMatchObject({ body: text, truncated: false });
    });

    test("without a body but with a coding is empty", async () => {
      const answer = await fetchFrom((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end());
      expect(answered(answer).body).toBe("");
    });

    test("in a coding that it is not in is a failure of the body, with the status", async () => {
      const answer = await fetchFrom((_, response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end("This is not gzip."),
      );
      expect(failed(answer)).toMatchObject({ failure: "body", statusCode: 200 });
      expect(failed(answer).detail).toMatch(/^127\.0\.0\.1:\d+ sent a body that cannot be decoded\.$/);
    });
  });

  describe("a body", () => {
    test.each([
      [0, false],
      [99_999, false],
      [100_000, false],
      [100_001, true],
      [3_000_000, true],
    ])("of %i bytes, 100,000 being kept, is cut: %s", async (size, truncated) => {
      const answer = await fetchFrom((_, response) => response.end("x".repeat(size)));
      expect(answered(answer).truncated).toBe(truncated);
      expect(answered(answer).body.length).toBe(Math.min(size, 100_000));
    });

    test("is not read at all when nothing of it is kept", async () => {
      const answer = await fetchFrom((_, response) => response.end("some"), { maxBodyBytes: 0 });
      expect(answered(answer)).toMatchObject({ body: "", truncated: true });
    });

    test("that never ends is read as far as it is kept", async () => {
      const answer = await fetchFrom(pourForever(Buffer.alloc(16_384, "x"), {}));
      expect(answered(answer)).toMatchObject({ truncated: true });
    });

    test("that decodes to far more than it is, is read as far as it is kept", async () => {
      const bomb = gzipSync(Buffer.alloc(200_000_000)); // 194 KB
      const answer = await fetchFrom((_, response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
      );
      expect(answered(answer).truncated).toBe(true);
      expect(answered(answer).body.length).toBe(100_000);
    });

    const endlessly = (call: Partial<HttpCall> = {}) => {
      const emptyBlock = Buffer.from([0, 0, 0, 0xff, 0xff]);
      const blocks = Buffer.concat(Array(3000).fill(emptyBlock));
      return fetchFrom(pourForever(blocks, { "content-encoding": "deflate" }, Buffer.from([0x78, 0x9c])), call);
    };
    if (withoutSockets) {
      test("that decodes to nothing endlessly ends with the time-out", async () => {
        expect(failed(await endlessly({ timeoutMs: 500 }))).toMatchObject({ failure: "timeout", statusCode: 200 });
      });
    } else {
      test("that decodes to nothing endlessly is given up", async () => {
        expect(answered(await endlessly())).toMatchObject({ body: "", truncated: true });
      });
    }
  });

  describe("a request", () => {
    const echo: RequestListener = async (request, response) => {
      const { method, url, headers } = request;
      response.end(JSON.stringify({ method, url, headers, body: await textOf(request) }));
    };
    const echoed = async (call: Partial<HttpCall>): Promise<Seen> => {
      const { url } = await serve(echo);
      return JSON.parse(answered(await open().call({ ...get, ...call, url: url + (call.url ?? "/") })).body) as Seen;
    };

    test("has the method, the path with its query, the headers and the body", async () => {
      const seen = await echoed({
        method: "PUT",
        url: "/a%20b?c=d&e#fragment",
        headers: { "X-Own": "1", "Content-Type": "text/plain" },
        body: "Grüße",
      });
      expect(seen).toMatchObject({ method: "PUT", url: "/a%20b?c=d&e", body: "Grüße" });
      expect(seen.headers).toMatchObject({ "x-own": "1", "content-type": "text/plain", "content-length": "7" });
    });

    test("says who sends it, unless it is told what to say", async () => {
      expect((await echoed({})).headers).toMatchObject({ "user-agent": "Stillup", accept: "*/*" });
      expect((await echoed({ headers: { "User-Agent": "Else" } })).headers["user-agent"]).toBe("Else");
    });

    test.each([
      ["a line break in a header", { headers: { "x-a": "1\r\nx-b: 2" } }],
      ["a NUL in a header", { headers: { "x-a": "\0" } }],
      ["a header that is no byte string", { headers: { "x-a": "→" } }],
      ["a header name with a space", { headers: { "x a": "1" } }],
      ["an empty header name", { headers: { "": "1" } }],
      ["a method with a space", { method: "GET /other" }],
      ["the method CONNECT", { method: "CONNECT" }],
      ["a content-length that is not true", { method: "POST", headers: { "content-length": "3" }, body: "12345" }],
    ])("with %s is refused as a value, and nothing is sent", async (_, call) => {
      let requests = 0;
      const answer = await fetchFrom((__, response) => {
        requests++;
        response.end();
      }, call);
      expect(failed(answer)).toMatchObject({ failure: "connect", statusCode: null });
      expect(failed(answer).detail).toMatch(/cannot be sent/);
      expect(requests).toBe(0);
    });

    test.each(["", "nonsense", "http://", "http://a b/", "/path"])("to %j is refused as a value", async (url) => {
      expect(failed(await open().call({ ...get, url }))).toMatchObject({ failure: "connect", code: "ERR_INVALID_URL" });
    });

    test.each([
      ["file:///etc/passwd", "FORBIDDEN_SCHEME"],
      ["ftp://127.0.0.1/", "FORBIDDEN_SCHEME"],
      ["http://user:secret@127.0.0.1/", "FORBIDDEN_CREDENTIALS"],
    ])("to %s is blocked", async (url, code) => {
      const answer = failed(await open().call({ ...get, url }));
      expect(answer).toMatchObject({ failure: "blocked", code });
      expect(answer.detail).not.toContain("secret");
    });
  });

  describe("a redirect", () => {
    /** `/301/x` redirects to `x`; everything else tells what it was sent. */
    const redirecting: RequestListener = async (request, response) => {
      const [, status, location] = request.url?.match(/^\/(30\d)\/(.*)$/) ?? [];
      const seen = { method: request.method, url: request.url, headers: request.headers, body: await textOf(request) };
      if (status === undefined || location === undefined) response.end(JSON.stringify(seen));
      else response.writeHead(Number(status), { location: decodeURIComponent(location) }).end("A body nobody reads.");
    };
    const to = (location: string, status = 302) => `/${status}/${encodeURIComponent(location)}`;
    const headers = {
      authorization: "Bearer a",
      cookie: "b=c",
      "x-api-key": "d",
      accept: "text/plain",
      "user-agent": "e",
      "content-type": "text/plain",
    };

    test("is followed, relative or not, and its hops share one limit", async () => {
      const { url } = await serve(redirecting);
      const http = open();
      const three = to(to(`${url}${to("../end?x", 307)}`, 301), 308);
      expect(answered(await http.call({ ...get, url: url + three })).body).toContain('"url":"/end?x"');
      const two = { ...get, url: url + three, maxRedirects: 2 };
      const answer = failed(await http.call(two));
      expect(answer).toMatchObject({ failure: "redirects", code: "TOO_MANY_REDIRECTS", statusCode: 307 });
      expect(answer.detail).toMatch(/redirects once more after 2 redirects\.$/);
    });

    test("is itself the answer when none are followed, and without a Location", async () => {
      const { url } = await serve((request, response) =>
        response.writeHead(302, request.url === "/" ? { location: "/next" } : {}).end("moved"),
      );
      const http = open();
      expect(answered(await http.call({ ...get, url, maxRedirects: 0 }))).toMatchObject({
        statusCode: 302,
        body: "moved",
      });
      expect(answered(await http.call({ ...get, url: `${url}/none` }))).toMatchObject({
        statusCode: 302,
        body: "moved",
      });
    });

    test("that leads to itself ends", async () => {
      const answer = await fetchFrom((_, response) => response.writeHead(302, { location: "/" }).end());
      expect(failed(answer).failure).toBe("redirects");
    });

    test.each([
      [301, "POST", "GET", ""],
      [302, "POST", "GET", ""],
      [303, "POST", "GET", ""],
      [303, "PUT", "GET", ""],
      [301, "PUT", "PUT", "body"],
      [307, "POST", "POST", "body"],
      [308, "POST", "POST", "body"],
    ])("by %i turns %s into %s with the body %j", async (status, method, nextMethod, nextBody) => {
      const { url } = await serve(redirecting);
      const answer = await open().call({ ...get, method, url: url + to("/end", status), headers, body: "body" });
      const seen = JSON.parse(answered(answer).body) as Seen;
      expect([seen.method, seen.body, seen.headers["content-type"]]).toEqual([
        nextMethod,
        nextBody,
        nextBody === "" ? undefined : "text/plain",
      ]);
    });

    test("within an origin keeps all headers; to another one it loses what was meant for the first", async () => {
      const [one, two] = [await serve(redirecting), await serve(redirecting)];
      const http = open();
      const seenBy = async (url: string) =>
        (JSON.parse(answered(await http.call({ ...get, url, headers })).body) as Seen).headers;
      const { "content-type": _, ...kept } = headers;
      expect(await seenBy(one.url + to("/end"))).toMatchObject(kept);
      const abroad = await seenBy(one.url + to(`${two.url}/end`));
      expect([abroad.authorization, abroad.cookie, abroad["x-api-key"]]).toEqual([undefined, undefined, undefined]);
      expect(abroad).toMatchObject({ accept: "text/plain", "user-agent": "e", host: new URL(two.url).host });
      const andBack = await seenBy(one.url + to(two.url + to(`${one.url}/end`)));
      expect([andBack.authorization, andBack["x-api-key"]]).toEqual([undefined, undefined]);
    });

    test.each([
      ["file:///etc/passwd", "blocked", "FORBIDDEN_SCHEME"],
      ["http://user:secret@127.0.0.1/", "blocked", "FORBIDDEN_CREDENTIALS"],
      ["http://", "redirects", "INVALID_REDIRECT"],
      ["http://169.254.169.254/latest/meta-data/", "blocked", "FORBIDDEN_ADDRESS"],
    ])("to %s is not followed", async (location, failure, code) => {
      const answer = failed(await fetchFrom((_, response) => response.writeHead(302, { location }).end()));
      expect(answer).toMatchObject({ failure, code });
      expect(answer.detail).not.toContain("secret");
    });
  });

  describe("the time-out", () => {
    test("covers headers that do not come", async () => {
      const answer = failed(await fetchFrom(() => {}, { timeoutMs: 500 }));
      expect(answer).toMatchObject({ failure: "timeout", code: "TIMEOUT", statusCode: null });
      expect(answer.detail).toMatch(/^127\.0\.0\.1:\d+ did not answer within 500 ms\.$/);
    });

    test("covers a body that does not come, and reports the status", async () => {
      const answer = failed(
        await fetchFrom((_, response) => response.writeHead(200, { "content-length": 10 }).write("x"), {
          timeoutMs: 1000,
        }),
      );
      expect(answer).toMatchObject({ failure: "timeout", statusCode: 200 });
      expect(answer.detail).toMatch(/did not finish its answer within 1000 ms\.$/);
    });

    test("covers all hops together", async () => {
      // A real wait is the subject: each hop takes less than the time-out, two of them take more.
      const handler: RequestListener = (request, response) => {
        const location = request.url === "/" ? { location: "/end" } : {};
        setTimeout(() => response.writeHead(request.url === "/" ? 302 : 200, location).end(), 180);
      };
      expect(failed(await fetchFrom(handler, { timeoutMs: 300 })).failure).toBe("timeout");
    });
  });

  describe("a signal", () => {
    test("that has aborted already stops the call before it is sent", async () => {
      const server = await serve((_, response) => response.end());
      const answer = failed(await open().call({ ...get, url: server.url, signal: AbortSignal.abort() }));
      expect(answer).toMatchObject({ failure: "aborted", code: "ABORTED" });
      expect(server.connections()).toBe(0);
    });

    test("stops a call that waits for its answer, and one that waits for its body", async () => {
      const controllers = { "/headers": new AbortController(), "/body": new AbortController() };
      const { url } = await serve((request, response) => {
        if (request.url === "/headers") controllers["/headers"].abort();
        else response.writeHead(200).write("x", () => controllers["/body"].abort());
      });
      const http = open();
      for (const path of ["/headers", "/body"] as const) {
        const { signal } = controllers[path];
        expect(failed(await http.call({ ...get, url: url + path, signal })).failure).toBe("aborted");
      }
    });

    test("may be shared by many calls without a warning", async () => {
      const warnings: Error[] = [];
      const onWarning = (warning: Error) => warnings.push(warning);
      process.on("warning", onWarning);
      const { url } = await serve((_, response) => response.end());
      const [http, { signal }] = [open(), new AbortController()];
      await Promise.all(Array.from({ length: 40 }, () => http.call({ ...get, url, signal })));
      await new Promise(setImmediate); // warnings are emitted on a later turn
      process.off("warning", onWarning);
      expect(warnings).toEqual([]);
    });
  });

  describe("the limit on calls at once", () => {
    test("is kept, and those that wait go in order", async () => {
      const held: (() => void)[] = [];
      const order: string[] = [];
      let most = 0;
      const { url } = await serve((request, response) => {
        order.push(request.url ?? "");
        held.push(() => response.end());
        most = Math.max(most, held.length);
        if (held.length === 3 || order.length > 9) for (const release of held.splice(0)) release();
      });
      const http = open({ concurrency: 3 });
      const paths = Array.from({ length: 12 }, (_, index) => `/${index}`);
      await Promise.all(paths.map((path) => http.call({ ...get, url: url + path })));
      expect(most).toBe(3);
      expect([...order.slice(0, 3)].sort()).toEqual(["/0", "/1", "/2"]);
      expect([...order].sort()).toEqual([...paths].sort());
      expect(order.indexOf("/11")).toBeGreaterThan(order.indexOf("/6"));
    });

    test("does not use up the time-out of a call that waits", async () => {
      const { url } = await serve((request, response) => void (request.url === "/hang" || response.end("came")));
      const http = open({ concurrency: 1 });
      const first = http.call({ ...get, url: `${url}/hang`, timeoutMs: 1100 });
      const second = http.call({ ...get, url: `${url}/quick`, timeoutMs: 1000 });
      expect(failed(await first).failure).toBe("timeout");
      expect(answered(await second).totalMs).toBeLessThan(1000);
    });

    test("ends a call that waits too long for the semaphore, and one that is too late from the start", async () => {
      let asked = 0;
      const { url } = await serve((request, response) => {
        asked++;
        if (request.url === "/hang") return;
        response.end();
      });
      const http = open({ concurrency: 1 });
      const first = http.call({ ...get, url: `${url}/hang`, timeoutMs: 1000 });
      const late = await http.call({ ...get, url, beginWithinMs: 50 });
      expect(failed(late)).toMatchObject({ failure: "aborted", code: "TOO_LATE" });
      expect(failed(await http.call({ ...get, url, beginWithinMs: 0 }))).toMatchObject({ failure: "aborted" });
      await first;
      expect(asked).toBe(1);
      expect(answered(await http.call({ ...get, url, beginWithinMs: 50, timeoutMs: 5000 })).statusCode).toBe(200);
    });

    test("holds up no call that is to be made at once, which takes no place of another either", async () => {
      const held: (() => void)[] = [];
      const { url } = await serve((request, response) => {
        if (request.url === "/held") held.push(() => response.end());
        else response.end();
      });
      const http = open({ concurrency: 1 });
      const first = http.call({ ...get, url: `${url}/held` });
      const second = http.call({ ...get, url: `${url}/held` });
      for (let n = 0; n < 3; n++) expect(answered(await http.call({ ...get, url, atOnce: true })).statusCode).toBe(200);
      await vi.waitFor(() => expect(held).toHaveLength(1));
      held.shift()?.();
      await first;
      await vi.waitFor(() => expect(held).toHaveLength(1));
      held.shift()?.();
      await second;
    });

    test("lets a waiting call be aborted, and goes on after it", async () => {
      const release: (() => void)[] = [];
      const { url } = await serve((request, response) => {
        if (request.url === "/held") release.push(() => response.end());
        else response.end();
      });
      const http = open({ concurrency: 1 });
      const controller = new AbortController();
      const held = http.call({ ...get, url: `${url}/held` });
      const waiting = http.call({ ...get, url: `${url}/aborted`, signal: controller.signal });
      const last = http.call({ ...get, url: `${url}/last` });
      controller.abort();
      expect(failed(await waiting)).toMatchObject({ failure: "aborted", totalMs: 0 });
      await expect.poll(() => release.length).toBe(1);
      release[0]?.();
      expect([answered(await held).statusCode, answered(await last).statusCode]).toEqual([200, 200]);
    });

    test("is released, however a call ends", async () => {
      const { url } = await serve((request, response) => {
        if (request.url === "/redirect") response.writeHead(302, { location: "/redirect" }).end();
        else if (request.url === "/long") response.end("x".repeat(1000));
        else if (request.url === "/cut") response.destroy();
        else if (request.url !== "/hang") response.end();
      });
      const http = open({ concurrency: 1 });
      const paths = ["/redirect", "/long", "/cut", "/hang", "/fine"];
      const ends = paths.map((path) => http.call({ ...get, url: url + path, timeoutMs: 250, maxBodyBytes: 10 }));
      ends.push(http.call({ ...get, url: "nonsense" }), http.call({ ...get, url: "http://169.254.169.254/" }));
      await Promise.all(ends);
      expect(answered(await http.call({ ...get, url })).statusCode).toBe(200);
    });

    test("handles thousands of calls that wait and then end at once", async () => {
      const { url } = await serve(() => {});
      const http = open({ concurrency: 1 });
      const controller = new AbortController();
      const first = http.call({ ...get, url, signal: controller.signal });
      const calls = Array.from({ length: 5000 }, () => http.call({ ...get, url: "file:///" }));
      controller.abort();
      expect(failed(await first).failure).toBe("aborted");
      const kinds = new Set((await Promise.all(calls)).map((answer) => failed(answer).failure));
      expect([...kinds]).toEqual(["blocked"]);
    });

    test("is still kept after waiting calls were aborted", async () => {
      let [now, most] = [0, 0];
      const { url } = await serve((_, response) => {
        most = Math.max(most, ++now);
        // A real wait: another call that ran now would be seen.
        setTimeout(() => {
          now--;
          response.end();
        }, 5);
      });
      const http = open({ concurrency: 1 });
      const controller = new AbortController();
      const first = http.call({ ...get, url });
      const aborted = Array.from({ length: 5 }, () => http.call({ ...get, url, signal: controller.signal }));
      controller.abort();
      await Promise.all([first, ...aborted, ...Array.from({ length: 10 }, () => http.call({ ...get, url }))]);
      expect(most).toBe(1);
    });
  });

  test("A call that has ended leaves no timer and no listener behind", async () => {
    const { url } = await serve((_, response) => response.end());
    const [http, { signal }] = [open(), new AbortController()];
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    for (let n = 0; n < 20; n++) await http.call({ ...get, url, signal });
    expect(timers()).toBeLessThan(before + 10); // the server and vitest have some of their own
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("Closing ends what runs and what waits, and what comes after", async () => {
    const server = await serve(() => {});
    const http = open({ concurrency: 1 });
    const calls = [http.call({ ...get, url: server.url }), http.call({ ...get, url: server.url })];
    await expect.poll(() => server.connections()).toBe(1);
    await http.close();
    calls.push(http.call({ ...get, url: server.url }));
    const kinds = (await Promise.all(calls)).map((answer) => failed(answer).failure);
    expect(kinds).toEqual(["aborted", "aborted", "aborted"]);
    expect(server.connections()).toBe(1);
  });
}

/** What is left of the rest for an adapter that sees neither names nor connections. */
function withoutSocketsContract({ make }: HttpHost): void {
  const closing = new Closing();
  afterEach(() => closing.all());

  test("reports only the body's phase, and no phase of a failure before it", async () => {
    const { url } = closing.add(await serveHttp((_, response) => response.end("x")));
    const http = closing.add(make({ policy: "private", concurrency: 1 }));
    const none = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null };
    expect(answered(await http.call({ ...get, url })).phases).toEqual({ ...none, bodyMs: expect.any(Number) });
    const refused = failed(await http.call({ ...get, url: "http://127.0.0.1:1/" }));
    expect(refused).toMatchObject({ failure: "connect", statusCode: null, phases: { ...none, bodyMs: null } });
  });

  test.each(["http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://2852039166/", "http://127.0.0.1/"])(
    "does not go to %s under the policy public",
    async (url) => {
      const http = closing.add(make({ policy: "public", concurrency: 1 }));
      expect(failed(await http.call({ ...get, url }))).toMatchObject({ failure: "blocked", code: "FORBIDDEN_ADDRESS" });
    },
  );
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer); // no encoding was set
  return Buffer.concat(parts).toString();
}

/** Sends `first` once and then `chunk` again and again, as fast as it is taken, until the connection is closed. */
function pourForever(chunk: Buffer, headers: Record<string, string>, first: Buffer = chunk): RequestListener {
  return (_, response) => {
    const pour = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.writeHead(200, headers).write(first);
    response.on("drain", pour);
    pour();
  };
}
