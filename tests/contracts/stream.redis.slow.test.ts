import { readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createRedisStream } from "../../runtime/drivers/stream/redis.ts";
import type { Consumer, EventStream, Message } from "../../runtime/drivers/stream/stream.ts";
import type { Metric } from "../../runtime/metrics.ts";
import { startCuttingProxy } from "../../testing/cutting-proxy.ts";
import { type OwnRedis, ownRedisMissing, redisMissing, startOwnRedis, startRedis } from "../../testing/redis.ts";
import { streamContract } from "./stream.ts";

streamContract("Streams on Redis", makeService, redisMissing);

async function makeService() {
  const redis = await startRedis();
  return { ...redis, connect: () => createRedisStream(redis) };
}

const forever = new AbortController().signal;
const longMs = 60_000;
const a: Consumer = { stream: "checks.due", group: "monitoring", consumer: "a" };
const b: Consumer = { ...a, consumer: "b" };

describeOnRedis("A Redis that goes away", () => {
  test("and comes back with what it had written to disk, loses nothing", async () => {
    const { server, stream } = await setUp("--appendonly", "yes", "--appendfsync", "always");
    await publish(stream, "1", "2");
    expect(bodiesOf(await readOn(stream, a))).toEqual(["1", "2"]);
    const reading = readOn(stream, b);
    await isReading(server);
    await server.kill9();
    await server.restart();
    await vi.waitFor(() => stream.ping());
    await publish(stream, "3");
    expect(bodiesOf(await reading)).toEqual(["3"]);
    const { messages } = await stream.claimStale(b, { minIdleMs: 0, count: 10 });
    expect(messages.map(({ body, attempts }) => `${body}: ${attempts}`)).toEqual(["1: 2", "2: 2", "3: 2"]);
  });

  test("and comes back without the last that it wrote, gives what is left and what comes then", async () => {
    const { server, stream } = await setUp("--appendonly", "yes", "--appendfsync", "always");
    await publish(stream, "1");
    await publish(stream, "2");
    await server.kill9();
    const logs = await readdir(join(server.folder, "appendonlydir"));
    const log = join(server.folder, "appendonlydir", logs.find((name) => name.endsWith(".incr.aof")) ?? "");
    await truncate(log, (await stat(log)).size - 5);
    await server.restart();
    await vi.waitFor(() => stream.ping());
    expect(bodiesOf(await readOn(stream, a))).toEqual(["1"]);
    await publish(stream, "3");
    expect(bodiesOf(await readOn(stream, a))).toEqual(["3"]);
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 2, pending: 2 });
  });

  test("and comes back empty, gives what comes then", async () => {
    const { server, stream } = await setUp();
    await publish(stream, "1");
    expect(bodiesOf(await readOn(stream, a))).toEqual(["1"]);
    const reading = readOn(stream, a);
    await isReading(server);
    await server.kill9();
    await server.restart();
    await vi.waitFor(() => stream.ping());
    await publish(stream, "2");
    expect(bodiesOf(await reading)).toEqual(["2"]);
  });

  test("fails every call at once, by the name of the server", async () => {
    const { server, stream } = await setUp();
    await stream.ping();
    await server.kill9();
    const failed = {
      code: "stream_unavailable",
      message: expect.stringContaining(`Redis at 127.0.0.1:${server.port} `),
    };
    await expect(publish(stream, "1")).rejects.toMatchObject(failed);
    await expect(stream.settle(a, { ack: ["1-1"], publish: [] })).rejects.toMatchObject(failed);
    await expect(stream.wake("wakeUp")).rejects.toMatchObject(failed);
    await expect(stream.onWake(["wakeUp"], () => {})).rejects.toMatchObject(failed);
    await expect(stream.read(a, { count: 1, blockMs: longMs, signal: forever })).rejects.toMatchObject(failed);
  });

  test("does not keep a reader from going, nor the stream from closing", async () => {
    const { server, stream } = await setUp();
    const leaving = new AbortController();
    const readings = [readOn(stream, a, leaving.signal), readOn(stream, b, leaving.signal)];
    await isReading(server, 2);
    server.pause();
    leaving.abort();
    expect(await Promise.all(readings)).toEqual([[], []]);
    await server.kill9();
    await stream.close();
  });

  test("wakes the wake-ups when it is back, as they may have been missed, and then again", async () => {
    const { server, stream } = await setUp();
    const woken = vi.fn();
    await stream.onWake(["wakeUp"], woken);
    await stream.ping();
    expect(woken).not.toHaveBeenCalled();
    await server.kill9();
    await server.restart();
    await vi.waitFor(() => expect(woken.mock.calls).toEqual([["wakeUp"]]), 10_000);
    woken.mockClear();
    await vi.waitFor(async () => {
      await stream.wake("wakeUp");
      expect(woken).toHaveBeenCalledWith("wakeUp");
    }, 10_000);
  });
});

describeOnRedis("A Redis that hangs", () => {
  test("fails a call after 5 s, and is good again when it goes on", async () => {
    const { server, stream } = await setUp();
    await stream.ping();
    server.pause();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const outcome = publish(stream, "1").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5_000);
    vi.useRealTimers();
    expect(await outcome).toMatchObject({ code: "stream_unavailable", message: expect.stringContaining("within 5 s") });
    server.resume();
    await vi.waitFor(() => stream.ping());
  });

  test("fails a ping after 2 s", async () => {
    const { server, stream } = await setUp();
    await stream.ping();
    server.pause();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const outcome = stream.ping().catch((error: unknown) => error);
    vi.advanceTimersByTime(2_000);
    vi.useRealTimers();
    expect(await outcome).toMatchObject({ code: "stream_unavailable", message: expect.stringContaining("within 2 s") });
    server.resume();
  });

  test("fails a read 5 s after it should have answered", async () => {
    const { server, stream } = await setUp();
    await stream.read(a, { count: 1, blockMs: 1, signal: forever });
    server.pause();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const outcome = stream.read(a, { count: 1, blockMs: 10_000, signal: forever }).catch((error: unknown) => error);
    vi.advanceTimersByTime(15_000);
    vi.useRealTimers();
    expect(await outcome).toMatchObject({
      code: "stream_unavailable",
      message: expect.stringContaining("within 15 s"),
    });
    server.resume();
  });
});

describeOnRedis("A Redis out of memory", () => {
  test("refuses entries with its own words, and a settlement as a whole", async () => {
    const { stream, admin } = await setUp();
    await publish(stream, "1");
    const ack = (await readOn(stream, a)).map(({ id }) => id);
    await admin.config("SET", "maxmemory", "1");
    const full = { code: "stream_full", message: expect.stringContaining("used memory > 'maxmemory'") };
    await stream.ping();
    await expect(stream.ready()).rejects.toMatchObject(full);
    await expect(publish(stream, "2")).rejects.toMatchObject(full);
    await expect(stream.settle(a, { ack, publish: [{ stream: "alerts.due", body: "3" }] })).rejects.toMatchObject(full);
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 1, pending: 1 });

    await stream.settle(a, { ack, publish: [] });
    await admin.config("SET", "maxmemory", "0");
    await stream.ready();
    await publish(stream, "4");
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 1, pending: 0 });
  });

  test("still gives what it has, once and again, and lets it be taken over and settled", async () => {
    const { stream, admin } = await setUp();
    await publish(stream, "1", "2");
    await stream.read(a, { count: 1, blockMs: 0, signal: forever });
    await admin.config("SET", "maxmemory", "1");
    expect(bodiesOf(await stream.read(b, { count: 1, blockMs: 0, signal: forever }))).toEqual(["2"]);
    const { messages } = await stream.claimStale(b, { minIdleMs: 0, count: 10 });
    const ids = messages.map(({ id }) => id);
    expect(bodiesOf(await stream.redeliver(b, ids))).toEqual(["1", "2"]);
    await stream.settle(b, { ack: ids, publish: [] });
    expect(await stream.removeIdleConsumers(b, { minIdleMs: 0 })).toBe(1);
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 0, pending: 0 });
  });
});

describeOnRedis("A Redis that takes no writes", () => {
  test("because it is a replica, is not ready, and says so", async () => {
    const { stream, admin } = await setUp();
    await admin.replicaof("127.0.0.1", 1);
    await expect(stream.ready()).rejects.toMatchObject({
      code: "stream_full",
      message: expect.stringContaining("READONLY"),
    });
  });
});

describeOnRedis("A stream that nobody reads", () => {
  test("takes 10,000 entries and no more, until there is room again", async () => {
    const { stream, admin } = await setUp();
    await publish(stream, ...Array.from({ length: 10_010 }, (_, n) => `${n}`));
    const now = vi.spyOn(performance, "now");
    onTestFinished(() => now.mockRestore());
    const later = (ms: number) => now.mockReturnValue(performance.now() + ms);
    await publish(stream, "the length is not known yet");
    later(600_000);
    const full = { code: "stream_full", message: "The stream checks.due is full: 10000 messages wait in it" };
    await expect(publish(stream, "one too many")).rejects.toMatchObject(full);
    await expect(
      stream.settle({ ...a, stream: "work" }, { ack: ["1-1"], publish: [{ stream: a.stream, body: "one too many" }] }),
    ).rejects.toMatchObject(full);
    await stream.publish([{ stream: "alerts.due", body: "elsewhere there is room" }]);
    await admin.del(`stillup:${a.stream}`);
    await expect(publish(stream, "not looked again yet")).rejects.toMatchObject(full);
    later(10_000);
    await publish(stream, "there is room");
    expect(bodiesOf(await stream.read(a, { count: 10, blockMs: 0, signal: forever }))).toEqual(["there is room"]);
  });
});

describeOnRedis("A reader on Redis", () => {
  test("that has gone is no longer served", async () => {
    const { server, stream } = await setUp();
    const leaving = new AbortController();
    const reading = readOn(stream, a, leaving.signal);
    await isReading(server);
    leaving.abort();
    expect(await reading).toEqual([]);
    await isReading(server, 0);
  });

  test("that goes as an entry is given to it, gives it back for another", async () => {
    const { server, stream } = await setUp();
    const leaving = new AbortController();
    const reading = readOn(stream, a, leaving.signal);
    await isReading(server);
    // The server gives the entry out before it hears of the going.
    const published = publish(stream, "1");
    leaving.abort();
    expect(await reading).toEqual([]);
    await published;
    expect(bodiesOf(await readOn(stream, b))).toEqual(["1"]);
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 1, pending: 1 });
  });

  test("whose reply is lost gets what was in it with its next read, and nothing twice", async () => {
    const { server, stream } = await setUp();
    const proxy = await startCuttingProxy(server.port);
    onTestFinished(() => proxy.close());
    const through = connect({ url: `redis://127.0.0.1:${proxy.port}` });
    await publish(stream, "1");
    expect(bodiesOf(await readOn(through, a))).toEqual(["1"]);
    for (const body of ["the second", "the third"]) {
      const reading = readOn(through, a);
      await isReading(server);
      const lost = proxy.loseNext(body);
      await publish(stream, body);
      await lost;
      expect(await reading).toMatchObject([{ body, attempts: 2 }]);
    }
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 3, pending: 3 });
    expect(await through.read(a, { count: 10, blockMs: 0, signal: forever })).toEqual([]);
  });

  test("goes on when everything is flushed while it waits", async () => {
    const { server, stream, admin } = await setUp();
    const reading = stream.read(a, { count: 10, blockMs: longMs, signal: forever });
    await isReading(server);
    await admin.flushall();
    await publish(stream, "1");
    expect(bodiesOf(await reading)).toEqual(["1"]);
  });

  test("gets the fields of an entry that somebody else made without a body", async () => {
    const { stream, admin } = await setUp();
    await admin.xadd(`stillup:${a.stream}`, "*", "other", "fields", "of", "theirs");
    expect(bodiesOf(await readOn(stream, a))).toEqual(['{"entryWithoutBody":["other","fields","of","theirs"]}']);
  });
});

describeOnRedis("A stream on Redis", () => {
  test("gives the age of its oldest entry by the server's clock", async () => {
    const { stream, admin } = await setUp();
    const [seconds] = await admin.time();
    await admin.xadd(`stillup:${a.stream}`, `${(Number(seconds) - 100) * 1_000}-0`, "body", "1");
    const { oldestMs } = await stream.state(a.stream, a.group);
    expect(oldestMs).toBeGreaterThanOrEqual(100_000);
    expect(oldestMs).toBeLessThan(100_000 + longMs);
  });

  test("says so when a key is taken by something else", async () => {
    const { stream, admin } = await setUp();
    await admin.set(`stillup:${a.stream}`, "not a stream");
    const taken = { code: "stream_unavailable", message: expect.stringContaining("WRONGTYPE") };
    await expect(publish(stream, "1")).rejects.toMatchObject(taken);
    const done = { ack: ["1-1"], publish: [{ stream: a.stream, body: "1" }] };
    await expect(stream.settle({ ...a, stream: "alerts.due" }, done)).rejects.toMatchObject(taken);
  });

  test("has the server send it no wake-ups but those it listens to", async () => {
    const { stream, admin } = await setUp();
    const stops = [await stream.onWake(["x", "y"], () => {}), await stream.onWake(["x"], () => {})];
    expect(await admin.pubsub("NUMSUB", "stillup:wake:x", "stillup:wake:y")).toEqual([
      "stillup:wake:x",
      1,
      "stillup:wake:y",
      1,
    ]);
    await stops[0]?.();
    expect(await admin.pubsub("NUMSUB", "stillup:wake:x", "stillup:wake:y")).toEqual([
      "stillup:wake:x",
      1,
      "stillup:wake:y",
      0,
    ]);
  });

  test("counts its trips by what they are for", async () => {
    const { server } = await setUp();
    const counted: unknown[] = [];
    const metrics = { count: ({ name }: Metric, labels: unknown) => counted.push([name, labels]) };
    const stream = connect({ url: server.url, metrics });
    await publish(stream, "1", "2");
    await stream.settle(a, { ack: ["1-1"], publish: [] });
    const counts = (kind: string) => ["stillup_driver_calls_total", { driver: "redis", kind }];
    expect(counted).toEqual([counts("publish"), counts("settle")]);
  });

  test("is reached with the user, password and database of its URL", async () => {
    const { server, admin } = await setUp();
    await admin.acl("SETUSER", "sam", "on", ">p@ss:/ #", "allkeys", "allchannels", "+@all");
    const stream = connect({ url: `redis://sam:${encodeURIComponent("p@ss:/ #")}@127.0.0.1:${server.port}/3` });
    await publish(stream, "1");
    await admin.select(3);
    expect(await admin.xlen(`stillup:${a.stream}`)).toBe(1);
  });

  test("is not used in another database when there is no such one", async () => {
    const { server } = await setUp();
    const stream = connect({ url: `${server.url}/99` });
    await expect(stream.ping()).rejects.toMatchObject({
      code: "stream_unavailable",
      message: expect.stringContaining("DB index is out of range"),
    });
  });

  test("says who refused a password, and keeps it to itself", async () => {
    const { server } = await setUp();
    const error = await connect({ url: `redis://sam:wrong-secret@127.0.0.1:${server.port}` })
      .ping()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "stream_unavailable", message: expect.stringContaining("WRONGPASS") });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("wrong-secret");
  });
});

test("A server that cannot be reached is named at the first ping, without its password", async () => {
  const error = await connect({ url: "redis://:wrong-secret@127.0.0.1:1" })
    .ping()
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: "stream_unavailable",
    message: "Redis at 127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1",
  });
});

test.each([
  "",
  "localhost:6379",
  "http://localhost",
  "redis:///1",
  "redis://localhost/one",
  "redis://local host",
  "redis://:%zz@localhost",
])("%j is no URL of a Redis", (url) => {
  expect(() => createRedisStream({ url })).toThrow(expect.objectContaining({ code: "invalid_configuration" }));
});

function describeOnRedis(name: string, tests: () => void): void {
  describe.skipIf(ownRedisMissing !== null)(ownRedisMissing === null ? name : `${name} (${ownRedisMissing})`, tests);
}

/** A server of the test's own, started with `args`; a stream on it; a plain connection to it. */
async function setUp(...args: readonly string[]): Promise<{ server: OwnRedis; stream: EventStream; admin: Redis }> {
  const server = await startOwnRedis(args);
  onTestFinished(() => server.stop());
  return { server, stream: connect({ url: server.url }), admin: connectPlainly(server.url) };
}

function connect(options: Parameters<typeof createRedisStream>[0]): EventStream {
  const stream = createRedisStream(options);
  onTestFinished(() => stream.close());
  return stream;
}

function connectPlainly(url: string): Redis {
  const redis = new Redis(url, { lazyConnect: true });
  redis.on("error", () => {});
  onTestFinished(() => redis.disconnect());
  return redis;
}

const bodiesOf = (messages: readonly Message[]) => messages.map(({ body }) => body);

function publish(stream: EventStream, ...bodies: readonly string[]): Promise<void> {
  return stream.publish(bodies.map((body) => ({ stream: a.stream, body })));
}

/** Reads as a worker does: what fails is tried again. */
async function readOn(stream: EventStream, who: Consumer, signal = forever): Promise<Message[]> {
  for (;;) {
    try {
      return await stream.read(who, { count: 10, blockMs: longMs, signal });
    } catch (error) {
      expect(error).toMatchObject({ code: "stream_unavailable" });
    }
  }
}

/** Resolves when the server holds `count` reads that wait. */
async function isReading(server: OwnRedis, count = 1): Promise<void> {
  const admin = connectPlainly(server.url);
  await vi.waitFor(async () => expect(await admin.info("clients")).toContain(`blocked_clients:${count}\r\n`), 10_000);
  admin.disconnect();
}
