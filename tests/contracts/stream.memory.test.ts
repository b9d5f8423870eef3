import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createMemoryStream } from "../../runtime/drivers/stream/memory.ts";
import { streamContract } from "./stream.ts";

streamContract("Streams in memory", makeService, null);

async function makeService() {
  const stream = createMemoryStream();
  return {
    connect: () => stream,
    loseEverything: async () => stream.loseEverything(),
    stop: () => stream.close(),
  };
}

const forever = new AbortController().signal;
const a = { stream: "checks.due", group: "monitoring", consumer: "a" };
const b = { ...a, consumer: "b" };
const entries = (...bodies: readonly string[]) => bodies.map((body) => ({ stream: a.stream, body }));
const full = expect.objectContaining({ code: "stream_full", message: expect.stringContaining("checks.due") });

describe("A stream in memory", () => {
  test("goes by the clock that it is given", async () => {
    let now = 1_000;
    const stream = createMemoryStream({ now: () => now });
    await stream.publish(entries("1"));
    const [message] = await stream.read(a, { count: 1, blockMs: 0, signal: forever });
    expect(message?.timestamp).toBe(1_000);

    now += 120_000;
    expect((await stream.state(a.stream, a.group)).oldestMs).toBe(120_000);
    expect((await stream.claimStale(b, { minIdleMs: 120_001, count: 1 })).messages).toEqual([]);
    expect((await stream.claimStale(b, { minIdleMs: 120_000, count: 1 })).messages).toHaveLength(1);
    expect((await stream.claimStale(a, { minIdleMs: 120_000, count: 1 })).messages).toEqual([]);

    await stream.redeliver(b, [message?.id ?? ""]);
    now += 60_000;
    expect(await stream.removeIdleConsumers({ ...a, consumer: "c" }, { minIdleMs: 60_001 })).toBe(0);
    expect(await stream.removeIdleConsumers({ ...a, consumer: "c" }, { minIdleMs: 60_000 })).toBe(1);
  });

  test("refuses what does not fit, all of it, and keeps the rest", async () => {
    const stream = createMemoryStream({ maxLength: 2 });
    await stream.publish(entries("1"));
    await expect(stream.publish(entries("2", "3"))).rejects.toEqual(full);
    await stream.publish([...entries("2"), { stream: "alerts.due", body: "elsewhere" }]);
    await expect(stream.publish(entries("3"))).rejects.toEqual(full);
    expect((await stream.read(a, { count: 9, blockMs: 0, signal: forever })).map(({ body }) => body)).toEqual([
      "1",
      "2",
    ]);
  });

  test("has room for what replaces the messages settled with it, and settles nothing when there is no room", async () => {
    const stream = createMemoryStream({ maxLength: 2 });
    await stream.publish(entries("1", "2"));
    const ack = (await stream.read(a, { count: 9, blockMs: 0, signal: forever })).map(({ id }) => id);
    await expect(stream.settle(a, { ack, publish: entries("3", "4", "5") })).rejects.toEqual(full);
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 2, pending: 2 });
    await stream.settle(a, { ack, publish: entries("3", "4") });
    expect(await stream.state(a.stream, a.group)).toMatchObject({ length: 2, pending: 0 });
  });

  test("wakes a read that waits, with no time passing, and leaves no timer", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const stream = createMemoryStream();
    const reading = stream.read(a, { count: 1, blockMs: 60_000, signal: forever });
    await stream.publish(entries("1"));
    expect(await reading).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
