import { describe, expect, test } from "vitest";
import { createMissed } from "../../../../../runtime/drivers/stream/missed.ts";
import type { Consumer, Message } from "../../../../../runtime/drivers/stream/stream.ts";

const a: Consumer = { stream: "checks.due", group: "monitoring", consumer: "a" };
const b: Consumer = { ...a, consumer: "b" };

const message = (id: string): Message => ({ id, body: "", attempts: 1, timestamp: 0 });
const idsOf = (messages: readonly Message[]) => messages.map(({ id }) => id);

/** A service that holds these pending, and says what it was asked for. */
function service(pending: readonly string[]) {
  const asked: string[] = [];
  return {
    asked,
    count: 10,
    async pendingFrom(id: string) {
      asked.push(id);
      return pending;
    },
    redeliver: async (ids: readonly string[]) => ids.map(message),
  };
}

describe("What a reader may have missed", () => {
  test("is not asked for while nothing has failed", async () => {
    const asking = service(["1-0"]);
    expect(await createMissed().find(a, asking)).toEqual([]);
    expect(asking.asked).toEqual([]);
  });

  test("is what it holds from the newest on that it got, by number and not by letter", async () => {
    const missed = createMissed();
    missed.got(a, [message("9-9"), message("9-10"), message("9-2"), message("8-11")]);
    missed.failed(a, 0);
    const asking = service(["9-10", "9-11", "10-0"]);
    expect(idsOf(await missed.find(a, asking))).toEqual(["9-11", "10-0"]);
    expect(asking.asked).toEqual(["9-10"]);
    expect(await missed.find(a, asking)).toEqual([]);
  });

  test("is nothing that it took over or read meanwhile", async () => {
    const missed = createMissed();
    missed.failed(a, 0);
    missed.got(a, [message("1-0"), message("3-0")]);
    expect(idsOf(await missed.find(a, service(["1-0", "2-0", "3-0"])))).toEqual(["2-0"]);
  });

  test("is another reader's own business", async () => {
    const missed = createMissed();
    missed.failed(a, 0);
    expect(await missed.find(b, service(["1-0"]))).toEqual([]);
  });

  test("comes in parts no longer than wanted", async () => {
    const missed = createMissed();
    missed.failed(a, 0);
    const asking = { ...service(["1-0", "2-0", "3-0"]), count: 2 };
    expect(idsOf(await missed.find(a, asking))).toEqual(["1-0", "2-0"]);
    expect(idsOf(await missed.find(a, asking))).toEqual(["3-0"]);
    expect(await missed.find(a, asking)).toEqual([]);
  });

  test("is asked for again when it was asked for in vain", async () => {
    const missed = createMissed();
    missed.failed(a, 0);
    const asking = service(["1-0"]);
    await expect(missed.find(a, { ...asking, redeliver: () => Promise.reject(new Error("away")) })).rejects.toThrow(
      "away",
    );
    expect(idsOf(await missed.find(a, asking))).toEqual(["1-0"]);
  });

  test("is asked for as long as the service may give more to a connection that is gone", async () => {
    let now = 0;
    const missed = createMissed(() => now);
    missed.got(a, [message("1-0")]);
    missed.failed(a, 5000);
    expect(idsOf(await missed.find(a, service(["1-0", "2-0"])))).toEqual(["2-0"]);
    missed.got(a, [message("4-0")]); // read in earnest, after what the service gave to nobody
    now = 5000;
    expect(idsOf(await missed.find(a, service(["1-0", "2-0", "3-0", "4-0"])))).toEqual(["3-0"]);
    const asking = service(["5-0"]);
    expect(await missed.find(a, asking)).toEqual([]);
    expect(asking.asked).toEqual([]);
  });
});
