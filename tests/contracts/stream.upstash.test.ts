import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Consumer, EventStream, Message } from "../../runtime/drivers/stream/stream.ts";
import { createUpstashStream } from "../../runtime/drivers/stream/upstash.ts";
import { redisMissing } from "../../testing/redis.ts";
import { type CountedCalls, countCalls, startUpstash, type TestUpstash, upstashToken } from "../../testing/upstash.ts";
import { streamContract } from "./stream.ts";

streamContract("Streams on Upstash", makeService, redisMissing);

async function makeService() {
  const { connect, redis, stop } = await startUpstash();
  return { connect: () => connect(), loseEverything: redis.loseEverything, stop };
}

const forever = new AbortController().signal;
const anHourMs = 3_600_000;
const longMs = 60_000;

describe.skipIf(redisMissing !== null)(
  `What is asked of Upstash${redisMissing === null ? "" : ` (${redisMissing})`}`,
  () => {
    let upstash: TestUpstash;
    let stream: EventStream;
    let calls: CountedCalls;
    let a: Consumer;
    let b: Consumer;

    beforeAll(async () => {
      upstash = await startUpstash();
    });
    afterAll(() => upstash?.stop());
    beforeEach(() => {
      calls = countCalls();
      stream = upstash.connect(calls);
      a = { stream: `test-${randomUUID()}`, group: "group", consumer: "a" };
      b = { ...a, consumer: "b" };
    });
    afterEach(() => stream.close());

    const publish = (...bodies: readonly string[]) =>
      stream.publish(bodies.map((body) => ({ stream: a.stream, body })));
    const readNow = (who = a, count = 1_000) => stream.read(who, { count, blockMs: 0, signal: forever });

    test("is one trip for all that is published, and one for all that is settled", async () => {
      await publish("1", "2", "3");
      const ack = idsOf(await readNow());
      const before = new Map(calls.commands);
      await stream.settle(a, { ack, publish: [{ stream: `${a.stream}-2`, body: "4" }] });
      expect(calls.trips).toEqual(
        new Map([
          ["publish", 1],
          ["read", 1],
          ["make_group", 1],
          ["settle", 1],
        ]),
      );
      expect(before).toEqual(
        new Map([
          ["xadd", 3],
          ["publish", 1],
          ["xreadgroup", 2],
          ["xgroup", 1],
        ]),
      );
      expect(calls.commands.get("xadd")).toBe(4);
      expect([calls.commands.get("publish"), calls.commands.get("xdel"), calls.commands.get("xack")]).toEqual([
        2, 1, 1,
      ]);
    });

    test("is counted as it is charged for, with what scripts call", async () => {
      const billed = new Map(upstash.emulator.billed);
      await stream.onWake(["wakeUp"], () => {});
      await publish("1", "2", "3");
      const [one, two] = idsOf(await readNow(a, 2));
      await readNow(b);
      await stream.redeliver(a, [`${one}`, `${two}`, "1-1"]);
      await stream.claimStale(b, { minIdleMs: 0, count: 10 });
      await stream.settle(b, { ack: [`${one}`, `${two}`], publish: [] });
      await stream.removeIdleConsumers(b, { minIdleMs: anHourMs });
      await stream.removeIdleConsumers(b, { minIdleMs: 0 });
      await stream.state(a.stream, a.group);
      await stream.wake("wakeUp");
      await stream.ping();
      await stream.close();
      await vi.waitFor(() => {
        const since = [...upstash.emulator.billed].map(
          ([name, times]) => [name, times - (billed.get(name) ?? 0)] as const,
        );
        expect(new Map(since.filter(([, times]) => times > 0))).toEqual(calls.commands);
      });
    });

    test("is nothing by a read that waits, until a wake-up comes", async () => {
      const other = upstash.connect();
      await stream.onWake(["wakeUp"], () => {});
      expect(await stream.read(a, { count: 10, blockMs: 1, signal: forever })).toEqual([]);
      calls.commands.clear();
      expect(await stream.read(a, { count: 10, blockMs: 1, signal: forever })).toEqual([]);
      const reading = stream.read(a, { count: 10, blockMs: longMs, signal: forever });
      await other.publish([
        { stream: a.stream, body: "1" },
        { stream: `${a.stream}-2`, body: "2" },
      ]);
      await other.close();
      expect(bodiesOf(await reading)).toEqual(["1"]);
      expect(calls.commands).toEqual(new Map([["xreadgroup", 1]]));
    });

    test("is known of before it is read, and only of what is read here", async () => {
      const onAdded = vi.fn();
      const { url } = upstash.emulator;
      const reader = createUpstashStream({ url, token: upstashToken, prefix: upstash.redis.prefix, onAdded });
      await reader.onWake(["wakeUp"], () => {});
      const reading = reader.read(a, { count: 10, blockMs: longMs, signal: forever });
      await stream.publish([{ stream: `${a.stream}-2`, body: "1" }]);
      await publish("2");
      expect(bodiesOf(await reading)).toEqual(["2"]);
      await vi.waitFor(() => expect(onAdded).toHaveBeenCalledTimes(1));
      await reader.close();
    });

    test("is nothing to take over while nothing can have been left for so long", async () => {
      const nothing = { messages: [], lost: 0 };
      await stream.onWake(["wakeUp"], () => {});
      expect(await stream.claimStale(a, { minIdleMs: anHourMs, count: 10 })).toEqual(nothing);
      expect(await stream.claimStale(a, { minIdleMs: anHourMs, count: 10 })).toEqual(nothing);
      expect(calls.trips.get("claim_stale")).toBe(1);

      await publish("1");
      await readNow(b);
      expect(bodiesOf((await stream.claimStale(a, { minIdleMs: 0, count: 10 })).messages)).toEqual(["1"]);
      expect(calls.trips.get("claim_stale")).toBe(2);
    });

    test("comes in parts that fit into a request, in order", async () => {
      const all = Array.from({ length: 8 }, (_, n) => `${n}`.repeat(200_000));
      await publish(...all);
      const messages = await readNow();
      expect(bodiesOf(messages)).toEqual(all);
      await stream.settle(a, { ack: idsOf(messages), publish: all.map((body) => ({ stream: a.stream, body })) });
      expect(bodiesOf(await readNow())).toEqual(all);
    });

    test("leads up to as many entries as a consumer may hold there", async () => {
      await publish("1");
      expect(bodiesOf(await readNow())).toEqual(["1"]);
      await publish("2");
      expect(bodiesOf(await readNow())).toEqual(["2"]);

      const all = Array.from({ length: 1_000 }, (_, n) => `${n}`);
      await publish(...all, "one too many");
      expect(bodiesOf(await readNow(b))).toEqual(all);
      await expect(readNow(b)).rejects.toMatchObject({
        code: "stream_unavailable",
        message: expect.stringContaining("refused: ERR XReadGroup is cancelled. Pending Entries List limit"),
      });
    });
  },
);

test.each(["", "localhost", "redis://localhost", "https://user:secret@localhost", "https://localhost/?_token=secret"])(
  "%j is no REST URL",
  (url) => {
    const error = failureOf(() => createUpstashStream({ url, token: upstashToken }));
    expect(error).toMatchObject({ code: "invalid_configuration", message: expect.stringContaining("_REST_URL must") });
    expect(`${error}`).not.toContain("secret");
  },
);

test.each(["", "two words", "line\nbreak", "ünicode-secret"])("%j is no token", (token) => {
  const error = failureOf(() => createUpstashStream({ url: "https://localhost", token }));
  expect(error).toMatchObject({ code: "invalid_configuration", message: expect.stringContaining("_REST_TOKEN must") });
  expect(`${error}`).not.toContain("secret");
});

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

const bodiesOf = (messages: readonly Message[]) => messages.map(({ body }) => body);
const idsOf = (messages: readonly Message[]) => messages.map(({ id }) => id);
