import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Message } from "../../../../../runtime/drivers/stream/stream.ts";
import { createWatch, type Watch, type WatchFound } from "../../../../../runtime/drivers/stream/upstash-watch.ts";

const message: Message = { id: "1-0", body: "1", attempts: 1, timestamp: 1 };
const nothing: WatchFound = { messages: [], isMore: false };
const leaseMs = 120_000;

let hears: boolean;
let watch: Watch;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  hears = true;
  watch = createWatch(() => hears);
});
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTime(ms);
const read = (found = nothing) => {
  watch.beginRead();
  watch.endRead(found);
};

describe("While wake-ups are heard, a stream", () => {
  test("is read at first", () => {
    expect(watch.untilReadMs()).toBe(0);
  });

  test("is read again within 10 minutes, and hardly before", () => {
    read();
    expect(watch.untilReadMs()).toBeGreaterThan(479_000);
    expect(watch.untilReadMs()).toBeLessThanOrEqual(600_000);
  });

  test("is read when a wake-up comes, even while it is being read", () => {
    watch.beginRead();
    watch.wake();
    watch.endRead(nothing);
    expect(watch.untilReadMs()).toBe(0);
  });

  test("is read on while there may be more", () => {
    read({ messages: [message], isMore: true });
    expect(watch.untilReadMs()).toBe(0);
    read({ messages: [message], isMore: false });
    expect(watch.untilReadMs()).toBeGreaterThan(0);
  });
});

test("While no wake-ups are heard, a stream is read every 1 to 10 s, less and less often, until something is found", () => {
  hears = false;
  const pauses = Array.from({ length: 6 }, () => {
    read();
    return watch.untilReadMs();
  });
  expect(pauses.every((ms, n) => ms <= Math.min(10_000, 2_000 * 2 ** n) && ms >= 800)).toBe(true);
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(8_000);
  read({ messages: [message], isMore: false });
  expect(watch.untilReadMs()).toBeLessThanOrEqual(1_000);
});

describe("That an entry has been pending for the lease", () => {
  const findOffline = () => watch.sawEmpty(watch.beginLook());

  test("is not known before one has looked", () => {
    expect(watch.isNothingIdle(leaseMs)).toBe(false);
  });

  test("cannot be for 10 minutes after the stream was empty, if no wake-up came", () => {
    findOffline();
    pass(599_000);
    expect(watch.isNothingIdle(leaseMs)).toBe(true);
    pass(2_000);
    expect(watch.isNothingIdle(leaseMs)).toBe(false);
  });

  test("cannot be until the lease is over since then, whatever wake-up came", () => {
    findOffline();
    watch.wake();
    pass(leaseMs - 1);
    expect(watch.isNothingIdle(leaseMs)).toBe(true);
    pass(1);
    expect(watch.isNothingIdle(leaseMs)).toBe(false);
  });

  test("may be as soon as the lease is over, if wake-ups were not heard then", () => {
    hears = false;
    findOffline();
    hears = true;
    pass(leaseMs);
    expect(watch.isNothingIdle(leaseMs)).toBe(false);
  });

  test("may be, if a wake-up rang while one looked", () => {
    const look = watch.beginLook();
    watch.wake();
    watch.sawEmpty(look);
    pass(leaseMs);
    expect(watch.isNothingIdle(leaseMs)).toBe(false);
  });

  test("may be at any time where the lease is so short that its wake-up may still be on its way", () => {
    findOffline();
    pass(100);
    expect(watch.isNothingIdle(100)).toBe(false);
  });
});

describe("Waiting for a change", () => {
  test("ends with a wake-up, and leaves nothing", async () => {
    const waiting = watch.change(leaseMs, new AbortController().signal);
    watch.wake();
    expect(await waiting).toBeUndefined();
  });

  test("ends when it is called off, before or later", async () => {
    const calledOff = new AbortController();
    const waiting = watch.change(leaseMs, calledOff.signal);
    calledOff.abort();
    expect(await Promise.all([waiting, watch.change(leaseMs, calledOff.signal)])).toEqual([undefined, undefined]);
  });

  test("ends when its time is over", async () => {
    expect(await watch.change(1, new AbortController().signal)).toBeUndefined();
  });
});
