import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Consumer, EventStream, Message } from "../../runtime/drivers/stream/stream.ts";

/** One stream service, and clients of it. */
export interface StreamService {
  /** The service as another process sees it. */
  connect(): EventStream;
  /** What a crash does to a service that keeps nothing. */
  loseEverything(): Promise<void>;
  stop(): Promise<void>;
}

const forever = new AbortController().signal;
const anHourMs = 3_600_000;
const longMs = 60_000;

/** What every EventStream does. `missing` says why it cannot be tried here and what to do; null when it can. */
export function streamContract(name: string, make: () => Promise<StreamService>, missing: string | null): void {
  describe.skipIf(missing !== null)(missing === null ? name : `${name} (${missing})`, () => {
    let service: StreamService;
    /** Two processes. */
    let here: EventStream;
    let there: EventStream;
    /** Two consumers of one group of a stream that is the test's own. */
    let a: Consumer;
    let b: Consumer;

    beforeAll(async () => {
      service = await make();
    });
    afterAll(() => service?.stop());
    beforeEach(() => {
      here = service.connect();
      there = service.connect();
      a = { stream: `test-${randomUUID()}`, group: "group", consumer: "a" };
      b = { ...a, consumer: "b" };
    });
    afterEach(() => Promise.all([here.close(), there.close()]));

    const publish = (...bodies: readonly string[]) => here.publish(bodies.map((body) => ({ stream: a.stream, body })));
    const readNow = (client: EventStream, who: Consumer, count = 1_000) =>
      client.read(who, { count, blockMs: 0, signal: forever });
    const readNext = (client: EventStream, who: Consumer, signal = forever) =>
      client.read(who, { count: 1, blockMs: longMs, signal });
    const settle = (who: Consumer, ack: readonly string[], ...bodies: readonly string[]) =>
      here.settle(who, { ack, publish: bodies.map((body) => ({ stream: who.stream, body })) });
    const stateNow = () => here.state(a.stream, a.group);

    describe("reading", () => {
      test("gives a new group what was published before it was there, in order", async () => {
        const all = Array.from({ length: 250 }, (_, n) => `body ${n}`);
        await publish(...all.slice(0, 200));
        await publish(...all.slice(200));
        expect(bodiesOf(await readNow(there, a))).toEqual(all);
      });

      test("gives an entry to one consumer of the group, and at most as many as asked for", async () => {
        await publish("1", "2", "3");
        expect(bodiesOf(await readNow(here, a, 2))).toEqual(["1", "2"]);
        expect(bodiesOf(await readNow(there, b, 2))).toEqual(["3"]);
        expect(await readNow(there, b, 2)).toEqual([]);
      });

      test("says that it is the first try, and when the entry was added", async () => {
        const before = Date.now();
        await publish("1");
        const [message] = await readNow(there, a);
        expect(message?.attempts).toBe(1);
        expect(Math.abs((message?.timestamp ?? 0) - before)).toBeLessThan(longMs);
      });

      test("gives back each body as it was", async () => {
        const odd = [
          "",
          "Grüße, 世界 🎈",
          "\u0000 and \u0000\u0001\u007f",
          "\r\n*1\r\n$4\r\n",
          "x".repeat(200_000),
          "é".repeat(100_000),
        ];
        await publish(...odd);
        expect(bodiesOf(await readNow(there, a))).toEqual(odd);
      });

      test("ends with nothing when nothing came in time", async () => {
        expect(await here.read(a, { count: 1, blockMs: 20, signal: forever })).toEqual([]);
      });

      test("ends as soon as something comes", async () => {
        const reading = readNext(there, a);
        await publish("1");
        expect(bodiesOf(await reading)).toEqual(["1"]);
      });

      test("goes on for several consumers of one process, which is not held up by them", async () => {
        const readings = [readNext(here, a), readNext(here, b)];
        await here.ping();
        await publish("1", "2");
        expect((await Promise.all(readings)).flatMap(bodiesOf).sort()).toEqual(["1", "2"]);
      });
    });

    describe("a reader that goes", () => {
      test("is let go at once", async () => {
        const leaving = new AbortController();
        const reading = readNext(here, a, leaving.signal);
        await there.ping();
        leaving.abort();
        expect(await Promise.race([reading, turn("late")])).toEqual([]);
      });

      test("gets nothing when it had gone before", async () => {
        await publish("1");
        expect(await readNext(here, a, AbortSignal.abort())).toEqual([]);
        expect((await stateNow()).pending).toBe(0);
      });

      test("takes nothing with it", async () => {
        for (let round = 0; round < 20; round++) {
          const leaving = new AbortController();
          const reading = readNext(here, a, leaving.signal);
          const published = publish(`${round}`);
          if (round % 2 === 0) await published;
          leaving.abort();
          const left = bodiesOf(await reading);
          const got = left.length > 0 ? left : bodiesOf(await readNext(there, b));
          expect(got).toEqual([`${round}`]);
        }
      });

      test("is let go when its stream is closed", async () => {
        const reading = readNext(here, a);
        await here.ping();
        await here.close();
        expect(await reading).toEqual([]);
      });
    });

    describe("what is left pending", () => {
      test("comes again to its owner with its tries counted", async () => {
        await publish("1", "2");
        const messages = await readNow(here, a);
        const redeliver = await here.redeliver(a, idsOf(messages));
        expect(redeliver).toEqual(messages.map((message) => ({ ...message, attempts: 2 })));
        expect(await here.redeliver(a, idsOf(messages.slice(1)))).toMatchObject([{ body: "2", attempts: 3 }]);
      });

      test("does not come again to who does not own it", async () => {
        await publish("1", "2", "3");
        const [one, two, three] = idsOf(await readNow(here, a));
        await there.claimStale(b, { minIdleMs: 0, count: 1 });
        await settle(a, [`${two}`]);
        expect(bodiesOf(await here.redeliver(a, [`${one}`, `${two}`, `${three}`, "1-1"]))).toEqual(["3"]);
        expect(bodiesOf(await there.redeliver(b, [`${one}`]))).toEqual(["1"]);
      });

      test("is taken over with its tries counted, from any consumer", async () => {
        await publish("1", "2");
        const messages = [...(await readNow(here, a, 1)), ...(await readNow(here, b, 1))];
        await here.redeliver(a, idsOf(messages.slice(0, 1)));
        const taken = await there.claimStale({ ...a, consumer: "c" }, { minIdleMs: 0, count: 100 });
        expect(taken.lost).toBe(0);
        expect(taken.messages).toEqual([
          { ...messages[0], attempts: 3 },
          { ...messages[1], attempts: 2 },
        ]);
      });

      test("is not taken over before its lease is over", async () => {
        await publish("1");
        await readNow(here, a);
        expect(await there.claimStale(b, { minIdleMs: anHourMs, count: 100 })).toEqual({ messages: [], lost: 0 });
      });

      test("is taken over up to the count, whatever there is", async () => {
        await publish(...Array.from({ length: 300 }, (_, n) => `${n}`));
        await readNow(here, a);
        const first = await there.claimStale(b, { minIdleMs: 0, count: 7 });
        expect(bodiesOf(first.messages)).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
        expect((await there.claimStale(b, { minIdleMs: 0, count: 1_000 })).messages).toHaveLength(300);
      });

      test("is counted as lost when it was deleted meanwhile, and not given again", async () => {
        const other = { ...a, group: "another group, whose acks delete" };
        await publish("1", "2", "3");
        const messages = await readNow(here, a);
        await readNow(there, other);
        await settle(other, idsOf(messages.slice(0, 2)));
        expect(await here.redeliver(a, idsOf(messages.slice(0, 1)))).toEqual([]);
        const taken = await there.claimStale(b, { minIdleMs: 0, count: 100 });
        expect({ bodies: bodiesOf(taken.messages), lost: taken.lost }).toEqual({ bodies: ["3"], lost: 1 });
        expect(await stateNow()).toMatchObject({ length: 1, pending: 1 });
      });

      test("is found behind any number of deleted entries", async () => {
        const other = { ...a, group: "another group, whose acks delete" };
        await publish(...Array.from({ length: 51 }, (_, n) => `${n}`));
        await readNow(here, a);
        await settle(other, idsOf(await readNow(there, other, 50)));
        const taken = await there.claimStale(b, { minIdleMs: 0, count: 1 });
        expect({ bodies: bodiesOf(taken.messages), lost: taken.lost }).toEqual({ bodies: ["50"], lost: 50 });
      });

      test("is nothing in a stream that nobody used", async () => {
        expect(await here.redeliver(a, ["1-1"])).toEqual([]);
        expect(await here.redeliver(a, [])).toEqual([]);
        expect(await here.claimStale(a, { minIdleMs: 0, count: 100 })).toEqual({ messages: [], lost: 0 });
      });
    });

    describe("settling", () => {
      test("ends entries and adds others in one trip", async () => {
        await publish("1", "2");
        const [one] = idsOf(await readNow(here, a));
        await settle(a, [`${one}`], "3", "4");
        expect(bodiesOf(await readNow(there, b))).toEqual(["3", "4"]);
        expect(bodiesOf((await there.claimStale(b, { minIdleMs: 0, count: 100 })).messages)).toEqual(["2", "3", "4"]);
      });

      test("adds to other streams too", async () => {
        const elsewhere = { ...a, stream: `${a.stream}-2` };
        await here.settle(a, { ack: [], publish: [{ stream: elsewhere.stream, body: "1" }] });
        expect(bodiesOf(await readNow(there, elsewhere))).toEqual(["1"]);
      });

      test("an entry twice does nothing more", async () => {
        await publish("1", "2");
        const [one] = idsOf(await readNow(here, a));
        await settle(a, [`${one}`, `${one}`]);
        await settle(a, [`${one}`]);
        expect(await stateNow()).toMatchObject({ length: 1, pending: 1 });
      });

      test("nothing at all is allowed", async () => {
        await settle(a, []);
        await publish();
        expect(await stateNow()).toEqual({ length: 0, pending: 0, oldestMs: 0 });
      });
    });

    describe("consumers that hold nothing", () => {
      test("are removed when they are idle, but not who removes them", async () => {
        await publish("1", "2");
        await settle(a, idsOf([...(await readNow(here, a, 1)), ...(await readNow(there, b, 1))]));
        expect(await here.removeIdleConsumers(a, { minIdleMs: anHourMs })).toBe(0);
        expect(await here.removeIdleConsumers(a, { minIdleMs: 0 })).toBe(1);
        expect(await here.removeIdleConsumers(a, { minIdleMs: 0 })).toBe(0);
      });

      test("stay while they hold something, and can be taken over from", async () => {
        await publish("1");
        await readNow(there, b);
        expect(await here.removeIdleConsumers(a, { minIdleMs: 0 })).toBe(0);
        expect(bodiesOf((await here.claimStale(a, { minIdleMs: 0, count: 100 })).messages)).toEqual(["1"]);
        expect(await here.removeIdleConsumers(a, { minIdleMs: 0 })).toBe(1);
      });

      test("lose nothing that they are given while they are removed", async () => {
        const all = Array.from({ length: 300 }, (_, n) => `${n}`);
        await publish(...all);
        const given: string[] = [];
        const removing = new AbortController();
        const remove = async () => {
          while (!removing.signal.aborted) await here.removeIdleConsumers(a, { minIdleMs: 0 });
        };
        const read = async () => {
          while (given.length < all.length) {
            const messages = await readNow(there, b, 2);
            given.push(...bodiesOf(messages));
            await there.settle(b, { ack: idsOf(messages.slice(1)), publish: [] });
          }
          removing.abort();
        };
        await Promise.all([remove(), remove(), read()]);
        expect((await here.claimStale(a, { minIdleMs: 0, count: 1_000 })).messages).toHaveLength(150);
      });

      test("are none in a stream that nobody used", async () => {
        expect(await here.removeIdleConsumers(a, { minIdleMs: 0 })).toBe(0);
      });
    });

    describe("being ready", () => {
      test("is said without adding anything", async () => {
        await here.ready();
        await here.ready();
        expect(await here.state("ready", a.group)).toEqual({ length: 0, pending: 0, oldestMs: 0 });
      });
    });

    describe("the state", () => {
      test("counts the entries and the pending ones, and gives the age of the oldest", async () => {
        await publish("1", "2", "3");
        expect(await stateNow()).toMatchObject({ length: 3, pending: 0 });
        const [one] = idsOf(await readNow(here, a, 2));
        expect(await stateNow()).toMatchObject({ length: 3, pending: 2 });
        await settle(a, [`${one}`]);
        const state = await there.state(a.stream, a.group);
        expect(state).toMatchObject({ length: 2, pending: 1 });
        expect(state.oldestMs).toBeLessThan(longMs);
      });
    });

    describe("a service that loses everything", () => {
      test("gives what comes after to a read that waits", async () => {
        await publish("1");
        await readNow(here, a);
        const reading = readNext(here, a);
        await there.ping();
        await service.loseEverything();
        await publish("2");
        expect(bodiesOf(await reading)).toEqual(["2"]);
      });

      test("holds nothing, and takes part in everything again", async () => {
        await publish("1", "2");
        const lost = idsOf(await readNow(here, a, 1));
        await service.loseEverything();
        expect(await stateNow()).toEqual({ length: 0, pending: 0, oldestMs: 0 });
        expect(await here.redeliver(a, lost)).toEqual([]);
        expect(await here.claimStale(a, { minIdleMs: 0, count: 100 })).toEqual({ messages: [], lost: 0 });
        expect(await here.removeIdleConsumers(a, { minIdleMs: 0 })).toBe(0);
        await settle(a, lost, "3");
        expect(bodiesOf(await readNow(there, b))).toEqual(["3"]);
      });
    });

    describe("wakeUps", () => {
      test("wake wherever somebody listens, here and elsewhere", async () => {
        const [name, wakes] = [`wakeUp-${randomUUID()}`, countTo(3)];
        await here.onWake([name], wakes.wake);
        await there.onWake([name, "another"], wakes.wake);
        await there.onWake([name], wakes.wake);
        await here.wake(name);
        expect(await wakes.all).toEqual([name, name, name]);
      });

      test("of several names wake those who listen for any of them", async () => {
        const [first, second, wakes] = [`wakeUp-${randomUUID()}`, `wakeUp-${randomUUID()}`, countTo(2)];
        await here.onWake([first], wakes.wake);
        await there.onWake([second], wakes.wake);
        await here.wake(first, second);
        expect((await wakes.all).sort()).toEqual([first, second].sort());
      });

      test("do not wake for who has stopped listening", async () => {
        const [name, last] = [`wakeUp-${randomUUID()}`, `wakeUp-${randomUUID()}`];
        const heard: string[] = [];
        const wakes = countTo(1);
        const stop = await here.onWake([name], (woken) => heard.push(woken));
        await here.onWake([last], wakes.wake);
        await stop();
        await there.wake(name);
        await there.wake(last);
        await wakes.all;
        expect(heard).toEqual([]);
      });

      test("may wake when nobody listens", async () => {
        await here.wake(`wakeUp-${randomUUID()}`);
      });
    });
  });
}

const bodiesOf = (messages: readonly Message[]) => messages.map(({ body }) => body);
const idsOf = (messages: readonly Message[]) => messages.map(({ id }) => id);

/** Resolves with the names that were woken once there are `count`. */
function countTo(count: number): { wake: (name: string) => void; all: Promise<string[]> } {
  const names: string[] = [];
  let resolve: (names: string[]) => void;
  const all = new Promise<string[]>((resolveIt) => {
    resolve = resolveIt;
  });
  const wake = (name: string) => {
    names.push(name);
    if (names.length === count) resolve(names);
  };
  return { wake, all };
}
