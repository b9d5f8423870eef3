import { inspect } from "node:util";
import { Redis } from "ioredis";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Consumer, EventStream, Message } from "../../../../../runtime/drivers/stream/stream.ts";
import { createUpstashStream } from "../../../../../runtime/drivers/stream/upstash.ts";
import { errorFields } from "../../../../../runtime/errors.ts";
import { redisMissing } from "../../../../../testing/redis.ts";
import {
  type CountedCalls,
  countCalls,
  startUpstash,
  type TestUpstash,
  upstashToken,
} from "../../../../../testing/upstash.ts";

const forever = new AbortController().signal;
const longMs = 60_000;
const a: Consumer = { stream: "checks.due", group: "monitoring", consumer: "a" };
const b: Consumer = { ...a, consumer: "b" };
const entry = { stream: a.stream, body: "the body of an entry" };

let upstash: TestUpstash;
let stream: EventStream;
let calls: CountedCalls;

describeOnUpstash("An Upstash that refuses", () => {
  test("a token, says which variable must change, and shows it nowhere", async () => {
    const token = "a-wrong-token-that-is-a-secret";
    const wrong = createUpstashStream({ url: upstash.emulator.url, token });
    onTestFinished(() => wrong.close());
    for (const error of await failuresOf(wrong)) {
      const { host } = new URL(upstash.emulator.url);
      expect(error).toMatchObject({
        code: "stream_unavailable",
        message:
          `Upstash at ${host} refused: WRONGPASS invalid or missing auth token. ` +
          "UPSTASH_REDIS_REST_TOKEN must be the REST token of this database, not its password.",
      });
      expect(allOf(error)).not.toContain(token);
    }
  });

  test("more commands than the plan has, says so", async () => {
    for (const status of [400, 429]) {
      upstash.emulator.faults.set({ answer: { status, error: overQuota, times: null } });
      for (const error of await failuresOf(stream)) {
        expect(error).toMatchObject({
          code: "stream_unavailable",
          message: expect.stringMatching(/refused: ERR max requests limit exceeded.* Raise the plan or the budget/),
        });
      }
    }
  });

  test("what only a standard token may do, says so", async () => {
    const error = "NOPERM this user has no permissions to run the 'xadd' command";
    upstash.emulator.faults.set({ answer: { status: 400, error, times: null } });
    await expect(stream.publish([entry])).rejects.toThrow(
      "refused: NOPERM this user has no permissions to run the 'xadd' command. UPSTASH_REDIS_REST_TOKEN must be the standard",
    );
  });

  test("a command, says why, and not what was in it", async () => {
    const redis = new Redis(upstash.redis.url);
    await redis.set(`${upstash.redis.prefix}${a.stream}`, "no stream");
    redis.disconnect();
    const failures = await Promise.all([
      failureOf(stream.publish([entry])),
      failureOf(stream.settle(a, { ack: ["1-1"], publish: [entry] })),
      failureOf(stream.read(a, { count: 1, blockMs: 0, signal: forever })),
    ]);
    for (const error of failures) {
      expect(error).toMatchObject({ message: expect.stringContaining("refused: WRONGTYPE Operation against a key") });
      expect(allOf(error)).not.toContain(entry.body);
    }
  });

  test("a request as a whole, does not show what was in it", async () => {
    upstash.emulator.faults.set({ answer: { status: 400, error: "ERR something", times: null } });
    const error = await failureOf(stream.publish([entry]));
    expect(error).toMatchObject({ message: expect.stringMatching(/refused: ERR something\.$/) });
    expect(allOf(error)).not.toContain(entry.body);
  });

  test("with a page of a proxy, is recognised as not Upstash", async () => {
    upstash.emulator.faults.set({ answer: { status: 502, times: null } });
    for (const error of await failuresOf(stream)) {
      expect(error).toMatchObject({
        code: "stream_unavailable",
        message: expect.stringMatching(/did not answer as Upstash does|refused: a subscription, with status 502/),
      });
    }
  });

  test("for a while, is served what it asks for then", async () => {
    const reading = readOn(stream, b);
    upstash.emulator.faults.set({ answer: { status: 500, times: 5 } });
    for (let published = false; !published; ) {
      published = await stream.publish([entry]).then(
        () => true,
        () => false,
      );
    }
    expect(bodiesOf(await reading)).toEqual([entry.body]);
  });
});

describeOnUpstash("An Upstash whose answer is lost", () => {
  beforeEach(() => stream.publish([{ ...entry, body: "0" }]));

  test("has what was published once, and only the caller publishes it again", async () => {
    upstash.emulator.faults.set({ dropReplies: 1, only: "xadd" });
    await expect(stream.publish([entry])).rejects.toMatchObject({
      code: "stream_unavailable",
      message: expect.stringContaining("cannot be reached: other side closed"),
    });
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 2 });
    expect(upstash.emulator.billed.get("xadd")).toBe(2);
  });

  test("has what was settled once, and settling it again adds nothing but what is published again", async () => {
    const ack = (await stream.read(a, { count: 1, blockMs: 0, signal: forever })).map(({ id }) => id);
    upstash.emulator.faults.set({ dropReplies: 1, only: "xack" });
    await expect(stream.settle(a, { ack, publish: [entry] })).rejects.toMatchObject({ code: "stream_unavailable" });
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 1, pending: 0 });
    await stream.settle(a, { ack, publish: [] });
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 1, pending: 0 });
  });

  test("has given entries to a reader that does not know of them: it gets them with its next read", async () => {
    expect(bodiesOf(await readOnce(stream, a))).toEqual(["0"]);
    await stream.publish([entry]);
    upstash.emulator.faults.set({ dropReplies: 1, only: "xreadgroup" });
    await expect(readOnce(stream, a)).rejects.toMatchObject({ code: "stream_unavailable" });
    expect(await readOnce(stream, b)).toEqual([]);
    expect(await readOnce(stream, a)).toMatchObject([{ body: entry.body, attempts: 2 }]);
    expect(await readOnce(stream, a)).toEqual([]);
  });

  test("has given entries to a reader that waits: it gets them at once", async () => {
    await readOnce(stream, a);
    const reading = readOn(stream, a);
    upstash.emulator.faults.set({ dropReplies: 2, only: "xreadgroup" });
    await stream.publish([entry]);
    expect(await reading).toMatchObject([{ body: entry.body }]);
  });

  test("has given entries in the middle of a long read: they come with the next one", async () => {
    await readOnce(stream, a);
    await stream.publish(Array.from({ length: 250 }, (_, n) => ({ ...entry, body: `${n}` })));
    upstash.emulator.faults.set({ dropReplies: 1, only: "50" });
    const read = () => stream.read(a, { count: 250, blockMs: 0, signal: forever });
    expect(bodiesOf(await read())).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`));
    expect(bodiesOf(await read())).toEqual(Array.from({ length: 50 }, (_, n) => `${n + 200}`));
    expect(await read()).toEqual([]);
  });

  test("is asked for what was missed after a failure alone", async () => {
    await readOnce(stream, a);
    await readOnce(stream, a);
    expect(upstash.emulator.billed.get("xpending")).toBeUndefined();
  });
});

describeOnUpstash("An Upstash that is full", () => {
  test("refuses entries, is not ready, and takes acks; that is known until it takes an entry", async () => {
    const found: boolean[] = [];
    const options = { url: upstash.emulator.url, token: upstashToken, prefix: upstash.redis.prefix };
    const watched = createUpstashStream({ ...options, onCall: (isThere) => void found.push(isThere) });
    onTestFinished(() => watched.close());
    await watched.publish([entry]);
    const ack = (await readOnce(watched, a)).map(({ id }) => id);
    const error = "OOM command not allowed when used memory > 'maxmemory'.";
    upstash.emulator.faults.set({ answer: { status: 400, error, times: null }, only: "xadd" });
    const full = { code: "stream_full", message: expect.stringContaining("OOM") };
    await expect(watched.publish([entry])).rejects.toMatchObject(full);
    await expect(watched.settle(a, { ack, publish: [entry] })).rejects.toMatchObject({ code: "stream_full" });
    await watched.settle(a, { ack, publish: [] });
    await watched.ping();
    expect(found.at(-1)).toBe(false);
    await expect(watched.ready()).rejects.toMatchObject(full);

    upstash.emulator.faults.reset();
    await watched.ready();
    expect(found.at(-1)).toBe(true);
    expect(await watched.state(a.stream, a.group)).toMatchObject({ length: 0, pending: 0 });
  });

  test("or has a stream that nobody reads, says so", async () => {
    await stream.publish(Array.from({ length: 10_000 }, () => entry));
    const now = vi.spyOn(performance, "now");
    onTestFinished(() => now.mockRestore());
    now.mockReturnValue(performance.now() + 600_000);
    await expect(stream.publish([entry])).rejects.toMatchObject({ code: "stream_full" });
    await stream.publish([{ ...entry, stream: "alerts.due" }]);
  });
});

describeOnUpstash("An Upstash that is slow", () => {
  test("fails a call after 5 s and a ping after 2", async () => {
    upstash.emulator.faults.set({ latencyMs: 1_000_000 });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const [publishing, pinging] = [failureOf(stream.publish([entry])), failureOf(stream.ping())];
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await pinging).toMatchObject({ message: expect.stringMatching(/did not answer within 2 s$/) });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await publishing).toMatchObject({
      code: "stream_unavailable",
      message: expect.stringMatching(/did not answer within 5 s$/),
    });
  });

  test("lets a reader go and the stream close at once", async () => {
    upstash.emulator.faults.set({ latencyMs: 1_000_000 });
    const leaving = new AbortController();
    const readings = [readOn(stream, a, leaving.signal), readOn(stream, b, leaving.signal)];
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    leaving.abort();
    expect(await Promise.all(readings)).toEqual([[], []]);
    const closing = stream.close();
    await vi.advanceTimersByTimeAsync(4_000);
    await closing;
  });
});

test("An Upstash that cannot be reached is named, with what is wrong with the connection", async () => {
  const nowhere = createUpstashStream({ url: "http://127.0.0.1:2", token: upstashToken });
  onTestFinished(() => nowhere.close());
  for (const error of await failuresOf(nowhere)) {
    expect(error).toMatchObject({
      code: "stream_unavailable",
      message: "Upstash at 127.0.0.1:2 cannot be reached: connect ECONNREFUSED 127.0.0.1:2",
    });
  }
});

describeOnUpstash("WakeUps over Upstash", () => {
  test.each(["end", "destroy"] as const)("arrive again after a subscription was cut off: %s", async (how) => {
    const woken = vi.fn();
    await stream.onWake(["wakeUp"], woken);
    const reading = readOn(stream, a);
    upstash.emulator.subscriptions.cut(how);
    await vi.waitFor(() => expect(calls.trips.get("subscribe")).toBe(2), 5_000);
    await vi.waitFor(() => expect(upstash.emulator.subscriptions.size()).toBe(1));
    await stream.onWake(["another"], () => {});
    await stream.publish([entry]);
    await stream.wake("wakeUp");
    expect(bodiesOf(await reading)).toEqual([entry.body]);
    await vi.waitFor(() => expect(woken).toHaveBeenCalledWith("wakeUp"));
  });

  test("that may have been missed wake when the subscription is back, and not at its first start", async () => {
    const woken = vi.fn();
    await stream.onWake(["wakeUp"], woken);
    await stream.ping();
    expect(woken).not.toHaveBeenCalled();
    upstash.emulator.subscriptions.cut("destroy");
    await vi.waitFor(() => expect(woken.mock.calls).toEqual([["wakeUp"]]), 5_000);
  });

  test("that came while the subscription was away cost no entry: it is read when it is back", async () => {
    await stream.onWake(["wakeUp"], () => {});
    const reading = readOn(stream, a);
    upstash.emulator.faults.set({ answer: { status: 500, times: null }, only: "/subscribe" });
    upstash.emulator.subscriptions.cut("destroy");
    await vi.waitFor(() => expect(calls.trips.get("subscribe")).toBeGreaterThan(1), 5_000);
    await stream.publish([entry]);
    upstash.emulator.faults.reset();
    expect(bodiesOf(await reading)).toEqual([entry.body]);
  });

  test("that cannot be subscribed to are replaced by polling", async () => {
    upstash.emulator.faults.set({ answer: { status: 500, times: null }, only: "/subscribe" });
    await expect(stream.onWake(["wakeUp"], () => {})).rejects.toMatchObject({ code: "stream_unavailable" });
    const reading = readOn(stream, a);
    await vi.waitFor(() => expect(calls.trips.get("make_group")).toBe(1));
    await stream.publish([entry]);
    expect(bodiesOf(await reading)).toEqual([entry.body]);
  });

  test("are subscribed to again when one that should arrive does not", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    // No jitter: else the second time-out might end with the first.
    vi.spyOn(Math, "random").mockReturnValue(1);
    onTestFinished(() => void vi.restoreAllMocks());
    await stream.onWake(["wakeUp"], () => {});
    upstash.emulator.faults.set({ deaf: true });
    vi.advanceTimersByTime(55_000);
    await vi.waitUntil(() => upstash.emulator.billed.get("publish") === 1);
    expect(calls.trips.get("subscribe")).toBe(1);
    vi.advanceTimersByTime(5_000);
    await vi.waitFor(() => expect(calls.trips.get("subscribe")).toBe(2));
  });

  test("are listened for less and less often when no connection lasts", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.spyOn(Math, "random").mockReturnValue(1);
    onTestFinished(() => void vi.restoreAllMocks());
    for (const backoffMs of [500, 1_000, 2_000]) {
      await stream.onWake(["wakeUp"], () => {});
      const tries = calls.trips.get("subscribe") ?? 0;
      upstash.emulator.subscriptions.cut("end");
      await vi.waitUntil(() => calls.commands.get("unsubscribe") === tries, { interval: 1 });
      vi.advanceTimersByTime(backoffMs - 200);
      expect(calls.trips.get("subscribe")).toBe(tries);
      await vi.waitFor(() => expect(calls.trips.get("subscribe")).toBe(tries + 1));
    }
  });

  test("do not mind what others publish on their channel", async () => {
    const woken = vi.fn();
    await stream.onWake(["wakeUp"], woken);
    const redis = new Redis(upstash.redis.url);
    for (const message of ["", "{", "null", '"woken wake-up"', "[1,null]", '["woken  wake-up"]']) {
      await redis.publish(`${upstash.redis.prefix}wake-ups`, message);
    }
    redis.disconnect();
    await stream.wake("wakeUp");
    await vi.waitFor(() => expect(woken).toHaveBeenCalledOnce());
  });
});

const overQuota =
  "ERR max requests limit exceeded. Limit: 500000, Usage: 500000. See https://upstash.com/docs for details";

function describeOnUpstash(name: string, tests: () => void): void {
  describe.skipIf(redisMissing !== null)(redisMissing === null ? name : `${name} (${redisMissing})`, () => {
    beforeEach(async () => {
      upstash = await startUpstash();
      calls = countCalls();
      stream = upstash.connect(calls);
      return async () => {
        vi.useRealTimers();
        await stream.close();
        await upstash.stop();
      };
    });
    tests();
  });
}

/** What each kind of call fails with. */
async function failuresOf(failing: EventStream): Promise<unknown[]> {
  return Promise.all([
    failureOf(failing.publish([entry])),
    failureOf(failing.settle(a, { ack: ["1-1"], publish: [] })),
    failureOf(failing.settle(a, { ack: ["1-1"], publish: [entry] })),
    failureOf(failing.read(a, { count: 1, blockMs: longMs, signal: forever })),
    failureOf(failing.redeliver(a, ["1-1"])),
    failureOf(failing.claimStale(a, { minIdleMs: 0, count: 1 })),
    failureOf(failing.removeIdleConsumers(a, { minIdleMs: 0 })),
    failureOf(failing.state(a.stream, a.group)),
    failureOf(failing.wake("wakeUp")),
    failureOf(failing.onWake(["wakeUp"], () => {})),
    failureOf(failing.ping()),
  ]);
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail("did not fail"),
    (error: unknown) => error,
  );
}

/** All that a log or a reader could be shown of an error. */
function allOf(error: unknown): string {
  return inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(errorFields(error));
}

const bodiesOf = (messages: readonly Message[]) => messages.map(({ body }) => body);

const readOnce = (client: EventStream, who: Consumer) => client.read(who, { count: 10, blockMs: 0, signal: forever });

/** Reads as a worker does: what fails is tried again. */
async function readOn(client: EventStream, who: Consumer, signal = forever): Promise<Message[]> {
  for (;;) {
    try {
      return await client.read(who, { count: 10, blockMs: longMs, signal });
    } catch (error) {
      expect(error).toMatchObject({ code: "stream_unavailable" });
    }
  }
}
