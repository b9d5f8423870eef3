import { describe, expect, test } from "vitest";
import type { Batch } from "../../../../runtime/contract.ts";
import { StillupError } from "../../../../runtime/errors.ts";
import { parseMessages, settle } from "../../../../runtime/worker/settle.ts";

const inTheMiddle = () => 0.5;
const away = new StillupError("database_unavailable", "The database is away");
const unreadable = new StillupError("invalid_message", "There are no monitor ids in it");

/** A batch of messages a, b, c, ... that were tried as often as said. */
function batchOf(...attempts: readonly number[]): Batch {
  const messages = attempts.map((tries, index) => ({
    id: String.fromCharCode(97 + index),
    body: `body ${index}`,
    attempts: tries,
    timestamp: 0,
  }));
  return { source: "checks.due", messages };
}

const settled = { ack: [], publish: [], retry: [], deadLetters: [] };

describe("A call that ends well", () => {
  test("acks all when it says nothing", () => {
    expect(settle(batchOf(1, 1), { result: undefined })).toEqual({ ...settled, ack: ["a", "b"] });
  });

  test("acks what it does not name, with what it publishes", () => {
    const publish = [{ stream: "alerts.due", body: "x" }];
    const settlement = settle(batchOf(1, 1, 1), { result: { retry: ["b"], publish } }, inTheMiddle);
    expect(settlement).toEqual({
      ...settled,
      ack: ["a", "c"],
      publish,
      retry: [{ id: "b", delayMs: 1_000, alone: false }],
    });
  });

  test("sets apart what it says cannot be fixed, with its reason", () => {
    const batch = batchOf(1, 1);
    const settlement = settle(batch, { result: { deadLetters: [{ id: "a", reason: "no JSON" }] } });
    expect(settlement).toEqual({
      ...settled,
      ack: ["b"],
      deadLetters: [{ message: batch.messages[0], reason: "no JSON" }],
    });
  });

  test("sets apart on the fifth try what it wants to try again", () => {
    const settlement = settle(batchOf(4, 5), { result: { retry: ["a", "b"] } });
    expect(settlement.retry.map(({ id }) => id)).toEqual(["a"]);
    expect(settlement.deadLetters.map(({ message }) => message.id)).toEqual(["b"]);
    expect(settlement.ack).toEqual([]);
  });

  test("is a failed call when it names an id that is not in the batch, and publishes nothing", () => {
    const result = { retry: ["a", "z"], publish: [{ stream: "alerts.due", body: "x" }] };
    const settlement = settle(batchOf(1, 1), { result }, inTheMiddle);
    expect(settlement).toMatchObject({ ack: [], publish: [], deadLetters: [] });
    expect(settlement.retry).toEqual([
      { id: "a", delayMs: 1_000, alone: true },
      { id: "b", delayMs: 1_000, alone: true },
    ]);
    expect(settlement.error).toMatchObject({ code: "internal", message: expect.stringContaining("z") });
  });

  test("is a failed call when it sets apart an id that is not in the batch", () => {
    const settlement = settle(batchOf(1), { result: { deadLetters: [{ id: "z", reason: "?" }] } });
    expect(settlement.error).toMatchObject({ code: "internal", message: expect.stringContaining("z") });
  });

  test("is a failed call when it wants a message both tried again and made a dead letter", () => {
    const settlement = settle(batchOf(1), { result: { retry: ["a"], deadLetters: [{ id: "a", reason: "?" }] } });
    expect(settlement).toMatchObject({ ack: [], deadLetters: [], error: { code: "internal" } });
  });

  test("may name an id to retry twice", () => {
    expect(settle(batchOf(1), { result: { retry: ["a", "a"] } })).toMatchObject({ retry: [{ id: "a" }] });
  });
});

describe("A call that throws", () => {
  test("has every message tried again alone, and says what it threw", () => {
    const error = new Error("boom");
    const settlement = settle(batchOf(1, 2), { error }, inTheMiddle);
    expect(settlement).toEqual({
      ...settled,
      retry: [
        { id: "a", delayMs: 1_000, alone: true },
        { id: "b", delayMs: 2_000, alone: true },
      ],
      error,
    });
  });

  test("gives up none of several, because any of them may be at fault", () => {
    const settlement = settle(batchOf(9, 9), { error: unreadable });
    expect(settlement.deadLetters).toEqual([]);
    expect(settlement.retry.map(({ alone }) => alone)).toEqual([true, true]);
  });

  test("sets a message apart that fails alone for the fifth time", () => {
    const batch = batchOf(5);
    const error = new Error("boom");
    expect(settle(batch, { error })).toEqual({
      ...settled,
      deadLetters: [{ message: batch.messages[0], reason: "boom" }],
      error,
    });
    expect(settle(batchOf(4), { error }).retry).toHaveLength(1);
  });

  test("sets a message apart at once that fails alone because it cannot be read", () => {
    expect(settle(batchOf(1), { error: unreadable }).deadLetters).toMatchObject([{ reason: unreadable.message }]);
  });

  test("never gives up while a service is away", () => {
    const settlement = settle(batchOf(500), { error: away }, inTheMiddle);
    expect(settlement).toEqual({ ...settled, retry: [{ id: "a", delayMs: 8_000, alone: true }], error: away });
  });

  test("keeps at most 500 characters of a reason, and takes anything that was thrown", () => {
    expect(settle(batchOf(5), { error: "x".repeat(9_000) }).deadLetters[0]?.reason).toBe("x".repeat(500));
  });
});

describe("A message comes again", () => {
  test("after 1, 2, 4 and 8 seconds, and no later", () => {
    const delays = [1, 2, 3, 4, 5, 60].map(
      (attempts) => settle(batchOf(attempts), { error: away }, inTheMiddle).retry[0]?.delayMs,
    );
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  test("up to a fifth sooner or later than that", () => {
    const delayAt = (random: number) => settle(batchOf(2), { error: away }, () => random).retry[0]?.delayMs;
    expect(delayAt(0)).toBe(1_600);
    expect(delayAt(1)).toBe(2_400);
  });
});

describe("parseMessages", () => {
  test("parts the messages that can be read from those that cannot, each with its reason", () => {
    const [good, bad] = batchOf(1, 1).messages;
    if (good === undefined || bad === undefined) throw new Error("a batch of two");
    const batch = { source: "checks.due", messages: [bad, { ...good, body: '{"n":1}' }] };
    const { parsed, invalid } = parseMessages(batch, (body) => JSON.parse(body) as unknown);
    expect(parsed).toEqual([{ message: batch.messages[1], value: { n: 1 } }]);
    expect(invalid).toEqual([{ id: "b", reason: expect.stringContaining("JSON") }]);
  });

  test("gives what settle takes, so that a bad message fails alone", () => {
    const batch = batchOf(1, 1);
    const { invalid } = parseMessages(batch, (body) => {
      if (body === "body 1") throw unreadable;
    });
    const settlement = settle(batch, { result: { deadLetters: invalid } });
    expect(settlement.ack).toEqual(["a"]);
    expect(settlement.deadLetters).toEqual([{ message: batch.messages[1], reason: unreadable.message }]);
  });
});
