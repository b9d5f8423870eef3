import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { recordDeadLetter } from "../../../../domain/dead-letters/record-dead-letter.ts";
import { alertsDue } from "../../../../domain/messaging/wake-up.ts";
import type { ConsumeFunction, Source } from "../../../../runtime/contract.ts";
import { createBackground } from "../../../../runtime/worker/background.ts";
import { startConsumer } from "../../../../runtime/worker/consumer.ts";
import type { Part } from "../../../../runtime/worker/drain.ts";
import { parseMessages } from "../../../../runtime/worker/settle.ts";
import { createSleeps, type Sleeps } from "../../../../testing/sleeps.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const source: Source = { stream: "alerts.due", group: "notification", batchSize: 10, parallel: 4 };
const newForm = (id: string) => JSON.stringify({ v: 2, channels: [id] });
const oldForm = (id: string) => alertsDue.messages([id])[0]?.body ?? "";

let env: TestEnv;
let sleeps: Sleeps;
let parts: Part[];
let done: { old: string[]; new: string[] };

beforeEach(async () => {
  env = await testEnv();
  sleeps = createSleeps();
  parts = [];
  done = { old: [], new: [] };
});
afterEach(() => Promise.all(parts.map((part) => part.stop())));

/** A worker as it is now, and one of a release that reads the next form, too. */
const workers: Record<keyof typeof done, (body: string) => string[]> = {
  old: alertsDue.parse,
  new(body) {
    const message = JSON.parse(body) as { v: number; channels: string[] };
    return message.v === 2 ? message.channels : alertsDue.parse(body);
  },
};

function start(name: keyof typeof workers): Part {
  const fn: ConsumeFunction = {
    async consume(batch) {
      const { parsed, invalid } = parseMessages(batch, workers[name]);
      done[name].push(...parsed.flatMap(({ value }) => value));
      return { deadLetters: invalid };
    },
    deadLetter: (letter, { sql }) => recordDeadLetter(sql, letter),
  };
  const background = createBackground(env.log);
  const part = startConsumer({ name, consumer: name, source, fn, env, background, sleep: sleeps.sleep });
  parts.push(part);
  return part;
}

const publish = (...bodies: string[]) => env.stream.publish(bodies.map((body) => ({ stream: source.stream, body })));
const untilLeft = (length: number) =>
  vi.waitFor(async () => expect(await env.stream.state(source.stream, source.group)).toMatchObject({ length }));

test("A newer release's messages wait with an old worker, which hands them over when it stops", async () => {
  await publish(oldForm("a"), newForm("b"), oldForm("c"), newForm("d"));
  const old = start("old");
  // The batch fails as a whole; then each comes by itself.
  for (let message = 0; message < 4; message++) await sleeps.end(800, 1200);
  await untilLeft(2);
  expect(done.old.sort()).toEqual(["a", "c"]);
  for (const seconds of [2, 4, 8, 8]) for (const _ of ["b", "d"]) await sleeps.end(seconds * 800, seconds * 1200);
  start("new");
  await publish(oldForm("e"));
  await old.stop();
  await untilLeft(0);
  expect(done.new).toEqual(expect.arrayContaining(["b", "d"]));
  expect([...done.old, ...done.new].sort()).toEqual(["a", "b", "c", "d", "e"]);
  expect(await env.sql`select message_id from dead_letters`).toEqual([]);
});

test("A newer release's message becomes a dead letter in the end where no newer worker ever comes", async () => {
  await publish(newForm("a"));
  start("old");
  for (let tries = 1; tries < 30; tries++) await sleeps.end(800, 9600);
  await untilLeft(0);
  expect(await env.sql`select attempts, reason from dead_letters`).toEqual([
    { attempts: 30, reason: "The message is of form 2; this release reads forms up to 1." },
  ]);
});
