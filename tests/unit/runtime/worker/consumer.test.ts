import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { recordDeadLetter } from "../../../../domain/dead-letters/record-dead-letter.ts";
import type { Batch, ConsumeFunction, ConsumeResult, Ctx, FunctionEnv, Source } from "../../../../runtime/contract.ts";
import { createMemoryStream } from "../../../../runtime/drivers/stream/memory.ts";
import type { EventStream } from "../../../../runtime/drivers/stream/stream.ts";
import { StillupError } from "../../../../runtime/errors.ts";
import { createBackground } from "../../../../runtime/worker/background.ts";
import { startConsumer } from "../../../../runtime/worker/consumer.ts";
import type { Part } from "../../../../runtime/worker/drain.ts";
import { createSleeps, type Sleeps } from "../../../../testing/sleeps.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const LEASE_MS = 100_000;
const source: Source = { stream: "work", group: "workers", batchSize: 1, parallel: 4 };
const other = { stream: "work", group: "workers", consumer: "another" };
const never = new AbortController().signal;
const away = new StillupError("stream_unavailable", "Redis is away");

/** A call of the consumer under way, which the test ends. */
interface Call {
  readonly bodies: string[];
  readonly batch: Batch;
  readonly env: FunctionEnv;
  readonly ctx: Ctx;
  done(result?: ConsumeResult): void;
  fail(error: unknown): void;
}

let env: TestEnv;
let sleeps: Sleeps;
let calls: Call[];
let parts: Part[];

beforeEach(async () => {
  env = await testEnv({ config: { workerLeaseSeconds: LEASE_MS / 1000 } });
  sleeps = createSleeps();
  calls = [];
  parts = [];
});

afterEach(async () => {
  const stops = parts.map((part) => part.stop());
  for (const call of calls) call.done();
  await Promise.all(stops);
});

describe("A consumer", () => {
  test("makes as many calls side by side as it may, and reads no more than that", async () => {
    await add("a", "b", "c", "d", "e", "f");
    start();
    await untilCalled(4);
    expect(await env.stream.state("work", "workers")).toMatchObject({ length: 6, pending: 4 });
    call("b").done();
    await untilCalled(5);
    expect(calls.map(({ bodies }) => bodies)).toEqual([["a"], ["b"], ["c"], ["d"], ["e"]]);
  });

  test("gives a call no more messages than a batch may hold", async () => {
    await add("a", "b", "c", "d", "e");
    start({ batchSize: 2 });
    await untilCalled(3);
    expect(calls.map(({ bodies }) => bodies)).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  test("acks what is done and adds what the call publishes", async () => {
    await add("a");
    start();
    (await called("a")).done({ publish: [{ stream: "next", body: "from a" }] });
    const read = { count: 1, blockMs: 5000, signal: never };
    const published = await env.stream.read({ stream: "next", group: "g", consumer: "c" }, read);
    expect(published.map(({ body }) => body)).toEqual(["from a"]);
    expect(await env.stream.state("work", "workers")).toMatchObject({ length: 0, pending: 0 });
  });

  test("gives each call a request id, which its log lines carry", async () => {
    await add("a", "b");
    start();
    const a = await called("a");
    const b = await called("b");
    a.env.log.info("hello");
    expect(env.logged.at(-1)).toMatchObject({ message: "hello", fields: { requestId: a.ctx.requestId } });
    expect(a.ctx.requestId).not.toBe(b.ctx.requestId);
  });

  test("takes over at its start what others left for longer than the lease, and nothing younger", async () => {
    let now = 1_000_000;
    const stream = createMemoryStream({ now: () => now });
    const readAt = async (body: string, at: number) => {
      now = at;
      await stream.publish([{ stream: "work", body }]);
      await stream.read(other, { count: 1, blockMs: 0, signal: never });
    };
    await readAt("old", 1_000_000);
    await readAt("young", 1_000_000 + LEASE_MS - 1000);
    now = 1_000_000 + LEASE_MS + 1000;
    await stream.publish([{ stream: "work", body: "new" }]);
    start({}, stream);
    await untilCalled(2);
    expect(calls.map(({ batch }) => batch.messages.map(({ body, attempts }) => `${body} ${attempts}`))).toEqual([
      ["old 2"],
      ["new 1"],
    ]);
  });
});

describe("A consumer whose entries were deleted by somebody else", () => {
  test("says so, and goes on with what is left", async () => {
    await add("a", "b");
    const [a] = await env.stream.read(other, { count: 2, blockMs: 0, signal: never });
    const trimming = { ...other, group: "another group, whose acks delete" };
    await env.stream.settle(trimming, { ack: [a?.id ?? ""], publish: [] });
    await add("c");
    start();
    (await called("c")).done();
    await vi.waitFor(() => expect(problems()).toEqual(["WARN Pending messages were deleted by another program."]));
    expect(env.logged.find(({ level }) => level === "WARN")?.fields).toEqual({ stream: "work", lost: 1 });
    await vi.waitFor(async () => {
      expect(await env.stream.state("work", "workers")).toMatchObject({ length: 1, pending: 1 });
    });
  });
});

describe("A message that fails", () => {
  test("comes again after 1, 2, 4 and 8 s, and becomes a dead letter with the fifth try", async () => {
    await add("bad");
    start();
    for (const seconds of [1, 2, 4, 8]) {
      (await called("bad")).fail(new Error("cannot do it"));
      await sleeps.end(seconds * 800, seconds * 1200);
    }
    (await called("bad")).fail(new Error("cannot do it"));
    await untilDone();
    expect(calls.map(({ batch }) => batch.messages[0]?.attempts)).toEqual([1, 2, 3, 4, 5]);
    const rows = await env.sql`select stream, body, reason, attempts from dead_letters`;
    expect(rows).toEqual([{ stream: "work", body: "bad", reason: "cannot do it", attempts: 5 }]);
    expect(await env.metrics.render()).toMatch(/stillup_dead_letters_total\{stream="work".*\} 1/);
  });

  test("comes again alone, and its batch-mates are done", async () => {
    await add("good", "bad", "fine");
    start({ batchSize: 10 });
    (await called("good", "bad", "fine")).fail(new Error("one of them is bad"));
    for (let redeliver = 0; redeliver < 3; redeliver++) await sleeps.end(800, 1200);
    (await called("good")).done();
    (await called("fine")).done();
    (await called("bad")).fail(new StillupError("invalid_message", "not JSON"));
    await untilDone();
    expect(await env.sql`select body from dead_letters`).toEqual([{ body: "bad" }]);
  });

  test("holds up nothing that can be done", async () => {
    await add("bad");
    start({ parallel: 1 });
    (await called("bad")).fail(new Error("cannot do it"));
    await add("good");
    (await called("good")).done();
    await vi.waitFor(async () => expect(await env.stream.state("work", "workers")).toMatchObject({ length: 1 }));
  });

  test("waits for a place when its time has come and all are taken", async () => {
    await add("bad");
    start({ parallel: 1 });
    (await called("bad")).fail(new Error("cannot do it"));
    await add("slow");
    const slow = await called("slow");
    await sleeps.end(800, 1200);
    await new Promise(setImmediate);
    expect(calls).toHaveLength(2);
    slow.done();
    (await called("bad")).done();
    await untilDone();
  });

  test("waits in a number that has a limit: then nothing new is read", async () => {
    const limit = 200;
    await add(...Array.from({ length: limit }, (_, index) => `bad ${index}`));
    start({ parallel: limit });
    await untilCalled(limit);
    for (const { fail } of calls) fail(new Error("cannot do it"));
    await vi.waitFor(() => expect(sleeps.going().filter((ms) => ms <= 1200)).toHaveLength(limit));
    await add("late 1", "late 2", "late 3");
    // A read that was under way when the limit was reached may bring one.
    expect((await env.stream.state("work", "workers")).pending).toBeLessThanOrEqual(limit + 1);
    for (let redeliver = 0; redeliver < 3; redeliver++) await sleeps.end(800, 1200);
    for (const body of ["late 1", "late 2", "late 3"]) await called(body);
  });

  test("is tried for as long as it takes when only a service is away, which is logged once", async () => {
    await add("a");
    start();
    for (const seconds of [1, 2, 4, 8, 8, 8]) {
      (await called("a")).fail(new StillupError("database_unavailable", "Postgres is away"));
      await sleeps.end(seconds * 800, seconds * 1200);
    }
    (await called("a")).done();
    await untilDone();
    expect(await env.sql`select body from dead_letters`).toEqual([]);
    expect(problems()).toEqual([
      "ERROR The worker test fails; it is retried until it works.",
      "WARN The worker test works again.",
    ]);
  });

  test("stays pending and comes again when its dead letter cannot be recorded", async () => {
    await add("bad");
    await env.sql.script("alter table dead_letters rename to elsewhere");
    start();
    (await called("bad")).fail(new StillupError("invalid_message", "not JSON"));
    const redeliver = sleeps.end(6400, 9600);
    await redeliver;
    expect(await env.stream.state("work", "workers")).toMatchObject({ length: 1, pending: 1 });
    const retried = await called("bad");
    await env.sql.script("alter table elsewhere rename to dead_letters");
    retried.fail(new StillupError("invalid_message", "not JSON"));
    await untilDone();
    expect(await env.sql`select body from dead_letters`).toEqual([{ body: "bad" }]);
  });

  test("is recorded even if it holds what Postgres cannot", async () => {
    await add("nul \0 and half \ud83d");
    start();
    (await called("nul \0 and half \ud83d")).fail(new StillupError("invalid_message", "rubbish"));
    await untilDone();
    expect(await env.sql`select body from dead_letters`).toEqual([{ body: "nul \ufffd and half \ufffd" }]);
  });
});

describe("A call that takes too long", () => {
  test("is aborted before the lease is over", async () => {
    await add("slow");
    start();
    const slow = await called("slow");
    expect(slow.ctx.signal.aborted).toBe(false);
    expect(slow.ctx.deadline).toBeLessThan(Date.now() + LEASE_MS);
    await sleeps.end(LEASE_MS * 0.8, LEASE_MS * 0.8);
    await vi.waitFor(() => expect(slow.ctx.signal.aborted).toBe(true));
  });

  test("loses its place with the lease, and its message is left to others", async () => {
    await add("stuck", "next");
    start({ parallel: 1 });
    await called("stuck");
    await sleeps.end(LEASE_MS * 0.8, LEASE_MS * 0.8);
    await sleeps.end(LEASE_MS * 0.19, LEASE_MS * 0.21);
    (await called("next")).done();
    await vi.waitFor(async () => {
      expect(await env.stream.state("work", "workers")).toMatchObject({ length: 1, pending: 1 });
    });
    expect(problems()).toEqual(["ERROR A call did not end within its lease; other workers claim its messages."]);
  });
});

describe("A stream service that is away", () => {
  test("is logged once, waited for, and logged once when it is back", async () => {
    let isAway = true;
    start({}, { read: (...args) => (isAway ? Promise.reject(away) : env.stream.read(...args)) });
    for (let tries = 0; tries < 6; tries++) {
      expect(await sleeps.end(0, 5000)).toBeGreaterThan(0);
    }
    isAway = false;
    await sleeps.end(2500, 5000);
    await add("a");
    (await called("a")).done();
    expect(problems()).toEqual([
      "ERROR Reading work fails; it is retried until it works.",
      "WARN Reading work works again.",
    ]);
  });

  test("gets the acks when it is back, and the call is not made again", async () => {
    await add("a");
    let failures = 3;
    start({}, { settle: (...args) => (failures-- > 0 ? Promise.reject(away) : env.stream.settle(...args)) });
    (await called("a")).done({ publish: [{ stream: "next", body: "from a" }] });
    for (let tries = 0; tries < 3; tries++) await sleeps.end(1, 5000);
    await untilDone();
    expect(calls).toHaveLength(1);
    expect(await env.stream.state("next", "g")).toMatchObject({ length: 1 });
  });
});

describe("A stream service that is full", () => {
  test("gets the acks, which free its room, without what the call publishes", async () => {
    await add("a");
    const full = new StillupError("stream_full", "Redis is full");
    const settle: EventStream["settle"] = (who, done) =>
      done.publish.length > 0 ? Promise.reject(full) : env.stream.settle(who, done);
    start({}, { settle });
    (await called("a")).done({ publish: [{ stream: "next", body: "a wake-up" }] });
    await untilDone();
    expect(calls).toHaveLength(1);
    expect(await env.stream.state("next", "g")).toMatchObject({ length: 0 });
    expect(problems()).toEqual(["ERROR The worker test fails; it is retried until it works."]);
  });
});

describe("A consumer that is stopped", () => {
  test("aborts its calls, waits for them and settles their results", async () => {
    await add("a");
    const consumer = start();
    const a = await called("a");
    let stopped = false;
    const stopping = consumer.stop().then(() => {
      stopped = true;
    });
    await vi.waitFor(() => expect(a.ctx.signal.aborted).toBe(true));
    expect(consumer.left()).toBe("1 calls");
    expect(stopped).toBe(false);
    a.done({ publish: [{ stream: "work", body: "the rest of a" }] });
    await stopping;
    expect(consumer.left()).toBeNull();
    expect(await readAsAnother()).toEqual(["the rest of a 1"]);
  });

  test("puts back what waits for its next try and what failed because of the stop", async () => {
    await add("a", "b");
    const consumer = start();
    (await called("a")).fail(new Error("cannot do it"));
    await vi.waitFor(() => expect(sleeps.going().some((ms) => ms <= 1200)).toBe(true));
    const b = await called("b");
    const stopping = consumer.stop();
    b.fail(new Error("interrupted"));
    await stopping;
    expect(await readAsAnother()).toEqual(["a 1", "b 1"]);
    expect(await env.stream.state("work", "workers")).toMatchObject({ length: 2, pending: 2 });
  });

  test("takes nothing more", async () => {
    const consumer = start();
    await consumer.stop();
    await add("a");
    expect(await readAsAnother()).toEqual(["a 1"]);
    expect(calls).toEqual([]);
  });

  test("does not hang on a stream service that is away", async () => {
    await add("a");
    let isAway = false;
    const consumer = start({}, { settle: (...args) => (isAway ? Promise.reject(away) : env.stream.settle(...args)) });
    const a = await called("a");
    isAway = true;
    const stopping = consumer.stop();
    a.done();
    await stopping;
    expect(await env.stream.state("work", "workers")).toMatchObject({ length: 1, pending: 1 });
  });
});

function start(over: Partial<Source> = {}, stream: Partial<EventStream> = {}): Part {
  const fn: ConsumeFunction = {
    consume: (batch, callEnv, ctx) =>
      new Promise((resolve, reject) => {
        const bodies = batch.messages.map(({ body }) => body);
        calls.push({ bodies, batch, env: callEnv, ctx, done: resolve, fail: reject });
      }),
    deadLetter: (letter, { sql }) => recordDeadLetter(sql, letter),
  };
  const part = startConsumer({
    name: "test",
    consumer: "me",
    source: { ...source, ...over },
    fn,
    env: { ...env, stream: { ...env.stream, ...stream } },
    background: createBackground(env.log),
    sleep: sleeps.sleep,
  });
  parts.push(part);
  return part;
}

async function add(...bodies: string[]): Promise<void> {
  await env.stream.publish(bodies.map((body) => ({ stream: "work", body })));
}

async function untilCalled(count: number): Promise<void> {
  await vi.waitFor(() => expect(calls).toHaveLength(count), { interval: 5 });
}

/** The latest call of these bodies, once there is one more than the test has asked for before. */
async function called(...bodies: string[]): Promise<Call> {
  const key = bodies.join();
  const before = asked.get(calls)?.get(key) ?? 0;
  const found = await vi.waitFor(
    () => {
      const fitting = calls.filter((candidate) => candidate.bodies.join() === key);
      const next = fitting[before];
      if (next === undefined) throw new Error(`No call ${before + 1} of ${key}.`);
      return next;
    },
    { interval: 5 },
  );
  asked.set(calls, new Map(asked.get(calls)).set(key, before + 1));
  return found;
}
const asked = new WeakMap<Call[], Map<string, number>>();

function call(body: string): Call {
  const found = calls.find(({ bodies }) => bodies[0] === body);
  if (found === undefined) throw new Error(`No call of ${body}.`);
  return found;
}

/** Resolves when the stream is empty. */
async function untilDone(): Promise<void> {
  await vi.waitFor(async () => expect(await env.stream.state("work", "workers")).toMatchObject({ length: 0 }), {
    interval: 5,
  });
}

async function readAsAnother(): Promise<string[]> {
  const messages = await env.stream.read(other, { count: 10, blockMs: 0, signal: never });
  return messages.map(({ body, attempts }) => `${body} ${attempts}`);
}

function problems(): string[] {
  return env.logged
    .filter(({ level }) => level === "WARN" || level === "ERROR")
    .map((line) => `${line.level} ${line.message}`);
}
