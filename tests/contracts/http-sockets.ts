import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { createAuthority, type Validity } from "../../local/emulators/certificate.ts";
import type { HttpCall } from "../../runtime/drivers/http/http.ts";
import {
  serveBrokenTls,
  serveBytes,
  serveHttp,
  serveHttps,
  serveTcp,
  type TestServer,
} from "../../testing/http-servers.ts";
import { answered, Closing, failed, get, type HttpHost, type MakeOptions } from "./http-host.ts";

const authority = await createAuthority();
const certificate = await authority.issue(["target.test", "127.0.0.1"]);
const DAY_MS = 86_400_000;

/** What an adapter does that opens its own connections. */
export function httpSocketContract({ make }: HttpHost): void {
  const closing = new Closing();
  afterEach(() => closing.all());

  const open = (options: Partial<MakeOptions> = {}) =>
    closing.add(make({ policy: "private", concurrency: 50, ...options }));
  const use = async (server: Promise<TestServer>) => closing.add(await server);
  const fetchFrom = async (server: Promise<TestServer>, call: Partial<HttpCall> = {}) =>
    open().call({ ...get, url: (await use(server)).url, ...call });

  describe("phases", () => {
    test("of plain HTTP to an address have no DNS and no TLS", async () => {
      const { phases } = answered(await fetchFrom(serveHttp((_, response) => response.end("x"))));
      expect(phases).toEqual({
        dnsMs: null,
        connectMs: expect.any(Number),
        tlsMs: null,
        firstByteMs: expect.any(Number),
        bodyMs: expect.any(Number),
      });
    });

    test("of HTTPS to a name are all there, and add up to the whole", async () => {
      const { port } = await use(serveHttps(certificate, (_, response) => response.end("x")));
      const http = open({ ca: authority.cert, lookup: async () => ["127.0.0.1"] });
      const answer = answered(await http.call({ ...get, url: `https://target.test:${port}/` }));
      const { dnsMs, connectMs, tlsMs, firstByteMs, bodyMs } = answer.phases;
      const sum = [dnsMs, connectMs, tlsMs, firstByteMs, bodyMs].reduce<number>(
        (all, ms) => all + (ms ?? Number.NaN),
        0,
      );
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThanOrEqual(answer.totalMs + 0.1);
    });

    test("of a call that failed go as far as it got", async () => {
      const answer = failed(
        await fetchFrom(
          serveTcp(() => {}),
          { timeoutMs: 500 },
        ),
      );
      expect(answer.phases).toMatchObject({ dnsMs: null, tlsMs: null, bodyMs: null });
      expect(answer.phases.connectMs).not.toBeNull();
      expect(answer.phases.firstByteMs).toBeGreaterThan(0);
    });
  });

  describe("connections", () => {
    test("are new for every call and every hop, and none is left afterwards", async () => {
      const announced: string[] = [];
      const server = await use(
        serveHttp((request, response) => {
          announced.push(request.headers.connection ?? "");
          if (request.url === "/hop") response.setHeader("location", "/").statusCode = 302;
          response.setHeader("connection", "keep-alive").end("x".repeat(1000));
        }),
      );
      const http = open();
      const call = (path: string, more: Partial<HttpCall> = {}) =>
        http.call({ ...get, url: server.url + path, ...more });
      for (let n = 0; n < 5; n++) await call("/");
      await call("/hop");
      await call("/", { maxBodyBytes: 10 });
      await call("/", { method: "HEAD" });
      expect(server.connections()).toBe(9);
      expect(new Set(announced)).toEqual(new Set(["close"]));
      await server.abandoned();
    });

    test("are gone after time-outs and aborts, even when errors come late", async () => {
      const server = await use(
        serveTcp((socket) => {
          socket.on("data", () => {});
          socket.on("end", () => socket.resetAndDestroy());
        }),
      );
      const http = open();
      const calls = Array.from({ length: 20 }, () => http.call({ ...get, url: server.url, timeoutMs: 500 }));
      for (const answer of await Promise.all(calls)) expect(failed(answer).failure).toBe("timeout");
      await server.abandoned();
      expect(server.connections()).toBe(20);
    });

    test("that are refused are reported as refused", async () => {
      const server = await serveTcp(() => {});
      await server.close();
      const answer = failed(await open().call({ ...get, url: `${server.url}/path?token=secret` }));
      expect(answer).toMatchObject({ failure: "connect", code: "ECONNREFUSED", statusCode: null });
      expect(answer.detail).toBe(`127.0.0.1:${server.port} refused the connection.`);
    });
  });

  describe("what is not HTTP", () => {
    const head = "HTTP/1.1 200 OK\r\n";
    test.each([
      ["a closed connection", serveTcp, (socket: { end(): void }) => socket.end(), /closed the connection/],
      ["a reset", serveTcp, (socket: { resetAndDestroy(): void }) => socket.resetAndDestroy(), /closed the connection/],
    ] as const)("%s is a failure to connect", async (_, serve, handler, detail) => {
      const answer = failed(await fetchFrom(serve(handler)));
      expect(answer.failure).toBe("connect");
      expect(answer.detail).toMatch(detail);
    });

    test.each([
      ["another protocol", "220 mail.example ESMTP\r\n", /not HTTP/],
      ["binary", Buffer.from([0, 1, 2, 3, 255]), /not HTTP/],
      ["a status line alone", head, /closed the connection|not HTTP/],
      ["headers cut short", `${head}content-type: te`, /closed the connection|not HTTP/],
      ["two lengths", `${head}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, /not HTTP/],
      [
        "a status that nobody asked for",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        /./,
      ],
    ])("%s is a failure to connect", async (_, bytes, detail) => {
      const answer = failed(await fetchFrom(serveBytes(bytes)));
      expect(answer).toMatchObject({ failure: "connect", statusCode: null });
      expect(answer.detail).toMatch(detail);
    });

    test("a greeting before the request is a failure to connect", async () => {
      const answer = failed(await fetchFrom(serveTcp((socket) => socket.write("220 mail.example ESMTP\r\n"))));
      expect(answer.failure).toBe("connect");
    });

    test("headers without end are given up at 64 KB", async () => {
      let sentBytes = 0;
      const server = serveTcp((socket) => {
        socket.once("close", () => {
          sentBytes = socket.bytesWritten;
        });
        const pour = () => {
          while (socket.writable && socket.write(`x-more: ${"y".repeat(8000)}\r\n`));
        };
        socket.once("data", () => {
          socket.write(head);
          socket.on("drain", pour);
          pour();
        });
      });
      const answer = failed(await fetchFrom(server));
      expect(answer).toMatchObject({ failure: "connect", code: "UND_ERR_HEADERS_OVERFLOW" });
      await expect.poll(() => sentBytes).toBeGreaterThan(0);
      expect(sentBytes).toBeLessThan(20_000_000); // what was on its way in the system's buffers
      expect(answer.detail).toMatch(/too many or too long headers/);
    });

    test("headers of 60 KB are taken", async () => {
      const bytes = `${head}x-long: ${"y".repeat(60_000)}\r\ncontent-length: 2\r\n\r\nok`;
      expect(answered(await fetchFrom(serveBytes(bytes))).body).toBe("ok");
    });

    test("headers that come a byte at a time run into the time-out", async () => {
      const server = serveTcp((socket) => {
        const timer = setInterval(() => socket.write("x"), 5);
        socket.write(`${head}x-slow: `);
        socket.on("close", () => clearInterval(timer));
      });
      expect(failed(await fetchFrom(server, { timeoutMs: 100 })).failure).toBe("timeout");
    });
  });

  describe("a body", () => {
    const head = "HTTP/1.1 200 OK\r\n";
    test.each([
      ["shorter than its length", `${head}content-length: 10\r\n\r\nshort`],
      ["without its last chunk", `${head}transfer-encoding: chunked\r\n\r\n5\r\nshort\r\n`],
      ["with rubbish for chunks", `${head}transfer-encoding: chunked\r\n\r\nZZZ\r\n`],
    ])("%s is broken off", async (_, bytes) => {
      const answer = failed(await fetchFrom(serveBytes(bytes)));
      expect(answer).toMatchObject({ failure: "body", statusCode: 200 });
      expect(answer.detail).toMatch(/broke off its answer\.$/);
    });

    test("that ends with a reset is broken off", async () => {
      const server = serveTcp((socket) => {
        socket.once("data", () => {
          socket.write(`${head}content-length: 10\r\n\r\nshort`, () => setImmediate(() => socket.resetAndDestroy()));
        });
      });
      expect(failed(await fetchFrom(server)).failure).toBe("body");
    });

    test("in gzip that stops early cannot be decoded", async () => {
      const start = Buffer.from("H4sIAAAAAAAAA0tMTEw=", "base64");
      const answer = failed(await fetchFrom(serveBytes(`${head}content-encoding: gzip\r\n\r\n`, start)));
      expect(answer).toMatchObject({ failure: "body", code: "Z_BUF_ERROR", statusCode: 200 });
    });

    test("without a length ends with the connection", async () => {
      expect(answered(await fetchFrom(serveBytes(`${head}\r\nall of it`))).body).toBe("all of it");
    });
  });

  describe("informational answers", () => {
    const final = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    test.each([
      ["103", ["HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", final]],
      ["100 nobody asked for", ["HTTP/1.1 100 Continue\r\n\r\n", final]],
      ["100, with the answer in one piece", [`HTTP/1.1 100 Continue\r\nx: y\r\n\r\n${final}`]],
      ["100, in small pieces", [..."HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 \r\n\r\n", final]],
      ["102, several", ["HTTP/1.1 102 Processing\r\n\r\n".repeat(3), final]],
    ])("%s is skipped", async (_, parts) => {
      const server = serveTcp((socket) => {
        socket.setNoDelay(true);
        socket.once("data", async () => {
          for (const part of parts) await new Promise((resolve) => socket.write(part, resolve));
        });
      });
      expect(answered(await fetchFrom(server, { method: "POST", body: "x" }))).toMatchObject({
        statusCode: 200,
        body: "ok",
      });
    });
  });

  test("Waiting for the answer after an informational one is waiting for the first byte", async () => {
    const server = serveTcp((socket) => socket.once("data", () => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n")));
    const answer = failed(await fetchFrom(server, { timeoutMs: 500 }));
    expect(answer).toMatchObject({ failure: "timeout", statusCode: null, phases: { bodyMs: null } });
  });

  test("A 204 may say the length of a body it does not have", async () => {
    const answer = answered(await fetchFrom(serveBytes("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n")));
    expect(answer).toMatchObject({ statusCode: 204, body: "" });
  });

  test("A Location is read as UTF-8", async () => {
    const answer = failed(await fetchFrom(serveBytes("HTTP/1.1 302 Found\r\nlocation: http://ü.test:1/\r\n\r\n")));
    expect(answer.detail).toBe("The name xn--tda.test:1 was not found.");
  });

  describe("TLS", () => {
    const https = (made = certificate) =>
      use(serveHttps(made, ({ socket }, response) => response.end(`${(socket as TLSSocket).servername}`))); // it is https

    test("with a certificate for the name is trusted, and the server receives the name", async () => {
      const { port } = await https();
      for (const addresses of [["127.0.0.1"], ["127.0.0.2", "127.0.0.1"]]) {
        const http = open({ ca: authority.cert, lookup: async () => addresses });
        for (const host of ["target.test", "target.test.", "TARGET.test"]) {
          expect(answered(await http.call({ ...get, url: `https://${host}:${port}/` })).body).toBe("target.test");
        }
      }
    });

    test("with a certificate for the address is trusted", async () => {
      const { url } = await https();
      expect(answered(await open({ ca: authority.cert }).call({ ...get, url })).body).toBe("false");
    });

    test("that breaks after the handshake fails", async () => {
      const { url } = await use(serveBrokenTls(certificate));
      const answer = failed(await open({ ca: authority.cert }).call({ ...get, url }));
      expect(answer.failure).toBe("tls");
      expect(answer.phases.tlsMs).not.toBeNull();
    });

    const yesterday = new Date(Date.now() - DAY_MS);
    const tomorrow = new Date(Date.now() + DAY_MS);
    test.each<readonly [string, string, Validity, string, RegExp]>([
      ["another name", "other.test", {}, "ERR_TLS_CERT_ALTNAME_INVALID", /is for another name\.$/],
      ["yesterday", "target.test", { until: yesterday }, "CERT_HAS_EXPIRED", /has expired\.$/],
      ["tomorrow", "target.test", { from: tomorrow }, "CERT_NOT_YET_VALID", /not valid yet\.$/],
    ])("with a certificate for %s fails", async (_, name, validity, code, detail) => {
      const { port } = await https(await authority.issue([name], validity));
      const http = open({ ca: authority.cert, lookup: async () => ["127.0.0.1"] });
      const answer = failed(await http.call({ ...get, url: `https://target.test:${port}/` }));
      expect(answer).toMatchObject({ failure: "tls", code, statusCode: null });
      expect(answer.detail).toMatch(detail);
      expect(answer.phases.firstByteMs).toBeNull();
    });

    test.each([
      ["nobody", certificate, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
      ["only itself", authority, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ])("with a certificate that %s vouches for fails", async (_, made, code) => {
      const answer = failed(await open().call({ ...get, url: (await https(made)).url }));
      expect(answer).toMatchObject({ failure: "tls", code });
      expect(answer.detail).toMatch(/is not trusted\.$/);
    });

    test("with a server that speaks plain HTTP fails", async () => {
      const { port } = await use(serveHttp((_, response) => response.end()));
      const answer = failed(await open().call({ ...get, url: `https://127.0.0.1:${port}/` }));
      expect(answer.failure).toBe("tls");
    });

    test("that is never begun runs into the time-out, and is cleaned up", async () => {
      const server = await use(serveTcp((socket) => socket.resume()));
      const answer = failed(await open().call({ ...get, url: `https://127.0.0.1:${server.port}/`, timeoutMs: 60 }));
      expect(answer.failure).toBe("timeout");
      expect(answer.detail).toMatch(/^There was no connection to 127\.0\.0\.1:\d+ within 60 ms\.$/);
      await server.abandoned();
    });

    test("that is cut off in the handshake is no certificate's fault", async () => {
      const { port } = await use(serveTcp((socket) => socket.once("data", () => socket.end())));
      const answer = failed(await open().call({ ...get, url: `https://127.0.0.1:${port}/` }));
      expect(answer).toMatchObject({ failure: "connect", code: "ECONNRESET" });
    });
  });

  describe("a name", () => {
    const http = (policy: "public" | "private", ...addresses: readonly string[]) =>
      open({ policy, lookup: async () => addresses });

    test.each(["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00:ec2::254", "0.0.0.0"])(
      "that stands for %s is blocked",
      async (address) => {
        const server = await use(serveHttp((_, response) => response.end()));
        const answer = failed(
          await http("public", address).call({ ...get, url: `http://rebound.test:${server.port}/` }),
        );
        expect(answer).toMatchObject({ failure: "blocked", code: "FORBIDDEN_ADDRESS" });
        expect(answer.detail).toBe(`rebound.test:${server.port} has an address that the network policy forbids.`);
        expect(answer.phases.connectMs).not.toBeNull();
        expect(server.connections()).toBe(0);
      },
    );

    test("is looked up once a hop: a second answer is never asked for", async () => {
      const server = await use(serveHttp((_, response) => response.end("x")));
      const lookups: string[] = [];
      const driver = open({
        lookup: async (hostname) => {
          lookups.push(hostname);
          return lookups.length === 1 ? ["127.0.0.1"] : ["169.254.169.254"];
        },
      });
      const url = `http://Rebound.test:${server.port}/`;
      expect(answered(await driver.call({ ...get, url })).body).toBe("x");
      expect(lookups).toEqual(["rebound.test"]);
      expect(failed(await driver.call({ ...get, url })).failure).toBe("blocked");
    });

    test("with several addresses is tried at one after the other, the forbidden left out", async () => {
      const server = await use(serveHttp((_, response) => response.end("third")));
      const driver = http("private", "169.254.169.254", "127.0.0.2", "127.0.0.1");
      expect(answered(await driver.call({ ...get, url: `http://many.test:${server.port}/` })).body).toBe("third");
    });

    test("with several addresses that all refuse reports why", async () => {
      const server = await serveTcp(() => {});
      await server.close();
      const answer = failed(
        await http("private", "127.0.0.2", "::1", "127.0.0.1").call({
          ...get,
          url: `http://many.test:${server.port}/`,
        }),
      );
      expect(answer).toMatchObject({ failure: "connect", code: "ECONNREFUSED" });
    });

    test.each(["ENOTFOUND", "EAI_AGAIN", "ESERVFAIL", "ECONNREFUSED"])(
      "whose lookup ends with %s fails by DNS",
      async (code) => {
        const driver = open({ lookup: () => Promise.reject(Object.assign(new Error("No."), { code })) });
        const answer = failed(await driver.call({ ...get, url: "http://gone.test/" }));
        expect(answer).toMatchObject({ failure: "dns", code });
        expect(answer.detail).toMatch(/^The name gone\.test /);
      },
    );

    test("does not matter to a request that cannot be sent", async () => {
      const answer = failed(
        await http("private", "127.0.0.1").call({ ...get, url: "http://a.test/", headers: { a: "\n" } }),
      );
      expect(answer).toMatchObject({ failure: "connect", code: "UND_ERR_INVALID_ARG" });
    });

    test("whose lookup hangs runs into its own time-out", async () => {
      const driver = open({ lookup: () => new Promise(() => {}) });
      const answer = failed(await driver.call({ ...get, url: "http://hanging.test/", timeoutMs: 50 }));
      expect(answer).toMatchObject({ failure: "timeout", phases: { dnsMs: expect.any(Number), connectMs: null } });
      expect(answer.detail).toBe("The name hanging.test was not looked up within 50 ms.");
    });

    test("whose lookup hangs holds up no other call", async () => {
      const server = await use(serveHttp((_, response) => response.end("here")));
      const driver = open({
        lookup: (hostname) => (hostname === "hanging.test" ? new Promise(() => {}) : Promise.resolve(["127.0.0.1"])),
      });
      const controller = new AbortController();
      const call = { ...get, url: "http://hanging.test/", signal: controller.signal };
      const hanging = Array.from({ length: 40 }, () => driver.call(call));
      expect(answered(await driver.call({ ...get, url: `http://quick.test:${server.port}/` })).body).toBe("here");
      controller.abort();
      for (const answer of await Promise.all(hanging)) expect(failed(answer).failure).toBe("aborted");
    });
  });
}
