import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createNames, type NamesOptions } from "../../../../../runtime/drivers/http/names.ts";
import { createUndiciHttp } from "../../../../../runtime/drivers/http/undici.ts";
import { serveHttp } from "../../../../../testing/http-servers.ts";
import { answered, Closing, failed, get } from "../../../../contracts/http-host.ts";
import { type NameAnswer, serveNames } from "./name-server.ts";

const IPV6 = "2001:db8:0:0:0:0:0:7";

describe("Names", () => {
  const closing = new Closing();
  afterEach(() => closing.all());

  /** Names as a server tells them; what only the system knows is `system.test`. */
  const open = async (tell: (name: string, family: 4 | 6) => NameAnswer, options: NamesOptions = {}) => {
    const server = closing.add(await serveNames(tell));
    const fallback = async (hostname: string) => {
      if (hostname === "system.test") return ["10.0.0.7"];
      throw Object.assign(new Error("Not in the system either."), { code: "ENOTFOUND" });
    };
    const names = createNames({ servers: [server.address], hostsFile: "none", fallback, ...options });
    closing.add({ close: async () => names.close() });
    return { ...names, server };
  };

  test("have the addresses of both families, IPv4 first", async () => {
    const names = await open((_, family) => (family === 4 ? ["192.0.2.1", "192.0.2.2"] : [IPV6]));
    expect(await names.addresses("both.test")).toEqual(["192.0.2.1", "192.0.2.2", "2001:db8::7"]);
  });

  test("of IPv6 alone are found", async () => {
    const names = await open((_, family) => (family === 6 ? [IPV6] : []));
    expect(await names.addresses("six.test")).toEqual(["2001:db8::7"]);
  });

  test("whose server keeps silent about IPv6 are found by IPv4, without waiting for it", async () => {
    const names = await open((_, family) => (family === 4 ? ["192.0.2.1"] : "silent"));
    expect(await names.addresses("four.test")).toEqual(["192.0.2.1"]);
    expect(names.server.asked).toHaveLength(2); // an unanswered question is asked again after a second
  });

  test("that no server knows are asked of the system", async () => {
    const names = await open(() => "unknown");
    expect(await names.addresses("system.test")).toEqual(["10.0.0.7"]);
    await expect(names.addresses("nowhere.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  test("that have no address are asked of the system", async () => {
    const names = await open(() => []);
    expect(await names.addresses("system.test")).toEqual(["10.0.0.7"]);
  });

  test("whose server fails are not asked of the system, which could hang over them", async () => {
    const names = await open(() => "failed");
    await expect(names.addresses("system.test")).rejects.toMatchObject({ code: "ESERVFAIL" });
  });

  test("of this machine are never asked of a server", async () => {
    const names = await open(() => ["192.0.2.1"]);
    expect(await names.addresses("localhost")).toEqual(["127.0.0.1", "::1"]);
    expect(await names.addresses("my.localhost")).toEqual(["127.0.0.1", "::1"]);
    expect(names.server.asked).toEqual([]);
  });

  test("in the hosts file are never asked of a server", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hosts-"));
    closing.add({ close: () => rm(folder, { recursive: true }) });
    const hostsFile = join(folder, "hosts");
    await writeFile(
      hostsFile,
      "# 10.0.0.1 commented.test\n\n10.0.0.2\thost.test Alias.test # more\nfd00::2 host.test\n",
    );
    const names = await open((_, family) => (family === 4 ? ["192.0.2.1"] : []), { hostsFile });
    expect(await names.addresses("host.test")).toEqual(["10.0.0.2", "fd00::2"]);
    expect(await names.addresses("alias.test")).toEqual(["10.0.0.2"]);
    expect(names.server.asked).toEqual([]);
    expect(await names.addresses("commented.test")).toEqual(["192.0.2.1"]);
  });

  test("asked for many times at once are looked up once, and again the next time", async () => {
    const names = await open((_, family) => (family === 4 ? ["192.0.2.1"] : []));
    await Promise.all(Array.from({ length: 50 }, () => names.addresses("shop.test")));
    expect(names.server.asked).toEqual(["shop.test", "shop.test"]); // A and AAAA
    await names.addresses("shop.test");
    expect(names.server.asked).toHaveLength(4);
  });

  test("that nobody answers for delay no others, however many they are", async () => {
    const names = await open((name, family) =>
      name.startsWith("hanging") ? "silent" : family === 4 ? ["127.0.0.1"] : [],
    );
    const target = closing.add(await serveHttp((_, response) => response.end("here")));
    const http = closing.add(
      createUndiciHttp({ policy: "private", concurrency: 200, lookup: (hostname) => names.addresses(hostname) }),
    );
    const controller = new AbortController();
    const call = { ...get, url: "", signal: controller.signal };
    const hanging = Array.from({ length: 100 }, (_, n) => http.call({ ...call, url: `http://hanging${n}.test/` }));
    expect(answered(await http.call({ ...get, url: `http://quick.test:${target.port}/` })).body).toBe("here");
    controller.abort();
    for (const answer of await Promise.all(hanging)) expect(failed(answer).failure).toBe("aborted");
  });

  test("under way end when they are closed", async () => {
    const names = await open(() => "silent");
    const waiting = names.addresses("hanging.test");
    await expect.poll(() => names.server.asked.length).toBe(2);
    names.close();
    await expect(waiting).rejects.toMatchObject({ code: "ECANCELLED" });
  });
});
