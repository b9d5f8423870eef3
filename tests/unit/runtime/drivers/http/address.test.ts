import { afterEach, describe, expect, test } from "vitest";
import { isAllowed } from "../../../../../runtime/drivers/http/address.ts";
import { createUndiciHttp } from "../../../../../runtime/drivers/http/undici.ts";
import { serveHttp } from "../../../../../testing/http-servers.ts";
import { answered, Closing, failed, get } from "../../../../contracts/http-host.ts";

const everywhere = [
  "1.1.1.1",
  "9.255.255.255",
  "11.0.0.0",
  "93.184.216.34",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "169.253.255.255",
  "169.255.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "192.0.1.0",
  "192.167.255.255",
  "192.169.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "223.255.255.255",
  "2001:200::1",
  "2001:4860:4860::8888",
  "2606:4700:4700::1111",
  "2a00:1450:4001:830::200e",
  "3ffe:ffff::1",
  "::ffff:1.1.1.1",
  "::ffff:101:101",
  "64:ff9b::8.8.8.8",
  "64:ff9b::808:808",
  "2001:DB9::A",
];

const privately = [
  "0.250.250.254",
  "10.0.0.0",
  "10.255.255.255",
  "100.64.0.0",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.255.255",
  "172.16.0.0",
  "172.31.255.255",
  "192.168.0.0",
  "192.168.255.255",
  "::1",
  "0:0:0:0:0:0:0:1",
  "fc00::1",
  "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "0:0:0:0:0:ffff:10.1.2.3",
  "64:ff9b::7f00:1",
  "64:ff9b::10.0.0.1",
];

const never = [
  "0.0.0.0",
  "100.100.100.200",
  "168.63.129.16",
  "169.254.0.0",
  "169.254.169.254",
  "169.254.170.2",
  "192.0.0.1",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::127.0.0.1",
  "::7f00:1",
  "::8.8.8.8",
  "::ffff:0.0.0.0",
  "::ffff:169.254.169.254",
  "::ffff:a9fe:a9fe",
  "::ffff:0:127.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::7f00:1",
  "64:ff9b:1::8.8.8.8",
  "100::1",
  "100:0:0:1::1",
  "2001::1",
  "2001:0:7f00:1::",
  "2001:2::1",
  "2001:10::1",
  "2001:1ff::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "2002:808:808::1",
  "3fff::1",
  "3fff:fff::1",
  "4000::1",
  "5f00::1",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
  "fe80::1",
  "fe80::a9fe:a9fe",
  "febf::1",
  "fec0::1",
  "ff02::1",
  "ff0e::1",
];

const noAddresses = [
  "",
  "localhost",
  "1.1.1",
  "1.1.1.1.1",
  "1.1.1.256",
  "01.1.1.1",
  "0x1.1.1.1",
  "1.1.1.1 ",
  "[2606:4700::1]",
  "2606:4700::1%eth0",
  "2606:4700::1::2",
  "2606:4700:1:2:3:4:5",
  "2606:4700:1:2:3:4:5:6:7",
  "2606:4700:1:2:3:4:5:6::",
  "2606:47000::1",
  "2606:::1",
  "1.1.1.1::",
  "2606::1.1.1.1.1",
];

describe("The network policy", () => {
  test.each(everywhere)("lets anybody go to %s", (address) => {
    expect([isAllowed(address, "public"), isAllowed(address, "private")]).toEqual([true, true]);
  });

  test.each(privately)("lets only private go to %s", (address) => {
    expect([isAllowed(address, "public"), isAllowed(address, "private")]).toEqual([false, true]);
  });

  test.each(never)("lets no call go to %s", (address) => {
    expect([isAllowed(address, "public"), isAllowed(address, "private")]).toEqual([false, false]);
  });

  test.each(noAddresses)("takes %j for no address", (text) => {
    expect([isAllowed(text, "public"), isAllowed(text, "private")]).toEqual([false, false]);
  });
});

describe("A local listener", () => {
  const closing = new Closing();
  afterEach(() => closing.all());

  const listen = async () => closing.add(await serveHttp((_, response) => response.end("inside")));
  const open = (policy: "public" | "private") => closing.add(createUndiciHttp({ policy, concurrency: 10 }));

  /** How 127.0.0.1 can be written, and whether the system would get there. */
  const spellings = [
    ["127.0.0.1", true],
    ["127.1", true],
    ["2130706433", true],
    ["0x7f000001", true],
    ["0x7f.1", true],
    ["0177.0.0.1", true],
    ["017700000001", true],
    ["127.0.0.1.", true],
    ["%31%32%37.0.0.1", true],
    ["１２７.０.０.１", true],
    ["127。0。0。1", true],
    ["localhost", true],
    ["LOCALHOST.", true],
    ["any.localhost", true],
    ["[::ffff:127.0.0.1]", true],
    ["[::ffff:7f00:1]", true],
    ["[0:0:0:0:0:ffff:7f00:0001]", true],
    ["0", false],
    ["0.0.0.0", false],
    ["[::]", false],
    ["[::1]", false],
    ["[::127.0.0.1]", false],
    ["[64:ff9b::7f00:1]", false],
    ["[64:ff9b:1::7f00:1]", false],
    ["[2002:7f00:1::]", false],
    ["[2001:0:7f00:1::]", false],
    ["[fe80::1]", false],
    ["[fd00::1]", false],
  ] as const;

  test.each(spellings)("is not reached as %s when the policy is public", async (host) => {
    const server = await listen();
    const answer = failed(await open("public").call({ ...get, url: `http://${host}:${server.port}/` }));
    expect(answer).toMatchObject({ failure: "blocked", code: "FORBIDDEN_ADDRESS" });
    expect(server.connections()).toBe(0);
  });

  test.each(spellings.filter(([, reaches]) => reaches))("is reached as %s when the policy is private", async (host) => {
    const server = await listen();
    const answer = answered(await open("private").call({ ...get, url: `http://${host}:${server.port}/` }));
    expect(answer.body).toBe("inside");
  });
});
