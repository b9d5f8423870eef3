import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { recordDeadLetter } from "../../../domain/dead-letters/record-dead-letter.ts";
import { statusChanged } from "../../../domain/messaging/wake-up.ts";
import retryOne from "../../../functions/api/retry-dead-letter.ts";
import retryAll from "../../../functions/api/retry-dead-letters.ts";
import statusChange, { source } from "../../../functions/workers/status-change.ts";
import type { EventStream } from "../../../runtime/drivers/stream/stream.ts";
import { StillupError } from "../../../runtime/errors.ts";
import { createBackground } from "../../../runtime/worker/background.ts";
import { startConsumer } from "../../../runtime/worker/consumer.ts";
import { aMessage, aPendingDown } from "../../../testing/factories.ts";
import { type Api, api, type Json } from "../../../testing/routes.ts";
import { addDeadLetters, addMonitor, times } from "../../../testing/rows.ts";
import { createSleeps } from "../../../testing/sleeps.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

const STREAM = "status.changed";
const never = new AbortController().signal;

let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
  call = api(env).send;
});
afterAll(() => env.close());

/** Records a dead letter as a worker does; resolves with its id. A second goes by. */
async function deadLetters(body: string, { stream = STREAM, reason = "It is rubbish." } = {}): Promise<string> {
  const message = aMessage(body);
  await recordDeadLetter(env.sql, { stream, message, reason });
  await env.clock.advance(1);
  const [row] = await env.sql<{ id: string }>`select id from dead_letters where message_id = ${message.id}`;
  return row?.id ?? "";
}

/** The bodies that wait in a stream, which are taken from it. */
async function waiting(stream = STREAM): Promise<string[]> {
  const who = { stream, group: "g", consumer: "c" };
  const messages = await env.stream.read(who, { count: 1000, blockMs: 0, signal: never });
  await env.stream.settle(who, { ack: messages.map(({ id }) => id), publish: [] });
  return messages.map(({ body }) => body);
}

const unavailable = new StillupError("stream_unavailable", "Redis is away.");

/** The status of a retry in the same world, but for the stream service. */
async function retriedWith(stream: Partial<EventStream>, id: string | null): Promise<number> {
  const [route, path] = id === null ? [retryAll, "/v1/dead-letters/retry"] : [retryOne, `/v1/dead-letters/${id}/retry`];
  const world = { ...env, stream: { ...env.stream, ...stream } };
  return (await route.fetch(env.request("POST", path), world, env.ctx())).status;
}

async function listed(query = ""): Promise<string[]> {
  return (await call("GET", `/v1/dead-letters${query}`)).body.items.map(({ id }: Json) => id);
}

describe("dead letters", () => {
  it("are listed with the reason and the beginning of their body, and shown whole", async () => {
    const body = `<script>\u001b[2J→ \ufffd ${"é".repeat(500)}`;
    const id = await deadLetters(body);
    const shared = {
      id,
      stream: STREAM,
      reason: "It is rubbish.",
      attempts: 1,
      bodyBytes: Buffer.byteLength(body),
      createdAt: "2026-03-01T12:00:00.000Z",
    };
    const { body: page } = await call("GET", "/v1/dead-letters");
    expect(page).toEqual({ items: [{ ...shared, body: body.slice(0, 200) }], nextCursor: null });
    expect((await call("GET", `/v1/dead-letters/${id}`)).body).toEqual({ ...shared, body });
  });

  it("is listed newest first, of one stream if asked for", async () => {
    const [first, second] = [await deadLetters("a"), await deadLetters("b", { stream: "alerts.due" })];
    expect(await listed()).toEqual([second, first]);
    expect(await listed("?stream=alerts.due")).toEqual([second]);
    expect(await listed("?stream=checks.due")).toEqual([]);
  });

  it("can be dropped, once", async () => {
    const [dropped, kept] = [await deadLetters("a"), await deadLetters("b")];
    expect((await call("DELETE", `/v1/dead-letters/${dropped}`)).status).toBe(204);
    expect((await call("DELETE", `/v1/dead-letters/${dropped}`)).status).toBe(404);
    expect(await listed()).toEqual([kept]);
    expect(await waiting()).toEqual([]);
  });
});

describe("a dead letter that is retried", () => {
  it("goes back to its stream and is no longer a dead letter; a repeat finds nothing", async () => {
    const [retried, kept] = [await deadLetters("a", { stream: "alerts.due" }), await deadLetters("b")];
    expect((await call("POST", `/v1/dead-letters/${retried}/retry`)).status).toBe(204);
    expect((await call("POST", `/v1/dead-letters/${retried}/retry`)).status).toBe(404);
    expect(await waiting("alerts.due")).toEqual(["a"]);
    expect(await listed()).toEqual([kept]);
  });

  it("stays a dead letter while the stream service is away", async () => {
    const id = await deadLetters("a");
    const away = { publish: () => Promise.reject(unavailable) };
    expect(await retriedWith(away, id)).toBe(503);
    expect(await retriedWith(away, null)).toBe(503);
    expect(await listed()).toEqual([id]);
  });

  it("stays a dead letter when a crash follows its return, and may be retried again", async () => {
    const id = await deadLetters("a");
    const publish: EventStream["publish"] = async (entries) => {
      await env.stream.publish(entries);
      throw new Error("It crashed.");
    };
    expect(await retriedWith({ publish }, id)).toBe(500);
    expect(await listed()).toEqual([id]);
    expect((await call("POST", `/v1/dead-letters/${id}/retry`)).status).toBe(204);
    expect(await waiting()).toEqual(["a", "a"]);
  });

  it("is refused when no worker reads its stream any more, because it would be lost", async () => {
    const id = await deadLetters("a", { stream: "of.old" });
    expect(await call("POST", `/v1/dead-letters/${id}/retry`)).toMatchObject({
      status: 409,
      body: { code: "wrong_state", detail: "No worker reads the stream of.old." },
    });
    expect(await call("POST", "/v1/dead-letters/retry?stream=of.old")).toMatchObject({
      status: 409,
      body: { code: "wrong_state", detail: "No worker reads the stream of.old." },
    });
    expect((await call("POST", "/v1/dead-letters/retry")).body).toEqual({ retried: 0, nextCursor: null });
    expect(await listed()).toEqual([id]);
  });
});

describe("all dead letters, when they are retried,", () => {
  it("go back oldest first, of one stream if asked for", async () => {
    for (const body of ["a", "b", "c"]) await deadLetters(body);
    await deadLetters("d", { stream: "alerts.due" });
    const { body } = await call("POST", `/v1/dead-letters/retry?stream=${STREAM}`);
    expect(body).toEqual({ retried: 3, nextCursor: null });
    expect(await waiting()).toEqual(["a", "b", "c"]);
    expect((await call("POST", "/v1/dead-letters/retry")).body).toEqual({ retried: 1, nextCursor: null });
    expect(await waiting("alerts.due")).toEqual(["d"]);
    expect((await call("POST", "/v1/dead-letters/retry")).body).toEqual({ retried: 0, nextCursor: null });
  });

  it("go back 100 at a time, and one that fails again meanwhile is not taken again", async () => {
    await addDeadLetters(
      env.sql,
      times(250, (n) => ({ stream: STREAM, messageId: `${n}`, body: `${n}` })),
    );
    await env.clock.advance(1);
    const retried: number[] = [];
    for (let cursor: string | null = ""; cursor !== null && retried.length < 5; ) {
      const query: string = cursor === "" ? "" : `?cursor=${cursor}`;
      const { body } = await call("POST", `/v1/dead-letters/retry${query}`);
      retried.push(body.retried);
      cursor = body.nextCursor;
      await env.clock.advance(1);
      for (const again of await waiting()) await deadLetters(again);
    }
    expect(retried).toEqual([100, 100, 50]);
    expect(await env.sql`select count(*)::int4 as count from dead_letters`).toEqual([{ count: 250 }]);
  });

  it("go back a megabyte at a time, except a message that is larger", async () => {
    for (const size of [1_500_000, 600_000, 300_000, 300_000]) await deadLetters("x".repeat(size));
    const retried: number[] = [];
    for (let at = 0; at < 3; at++) retried.push((await call("POST", "/v1/dead-letters/retry")).body.retried);
    expect(retried).toEqual([1, 2, 1]);
    expect((await waiting()).map((body) => body.length)).toEqual([1_500_000, 600_000, 300_000, 300_000]);
  });
});

describe("from end to end", () => {
  it("a wake-up that became a dead letter is listed, and its retry is handled once the fault is fixed", async () => {
    const monitorId = await addMonitor(env.sql, aPendingDown());
    await env.sql.script("alter table incidents rename to mislaid");
    await env.stream.publish(statusChanged.messages([monitorId]));
    const sleeps = createSleeps();
    const background = createBackground(env.log);
    const worker = startConsumer({
      name: "w",
      consumer: "c",
      source,
      fn: statusChange,
      env,
      background,
      sleep: sleeps.sleep,
    });
    onTestFinished(() => worker.stop());
    for (const seconds of [1, 2, 4, 8]) await sleeps.end(seconds * 800, seconds * 1200);
    const id = await vi.waitFor(async () => {
      const { items } = (await call("GET", "/v1/dead-letters")).body;
      expect(items).toMatchObject([{ stream: STREAM, attempts: 5, reason: expect.stringContaining("42P01") }]);
      return items[0].id;
    });

    await env.sql.script("alter table mislaid rename to incidents");
    await call("POST", `/v1/dead-letters/${id}/retry`);
    await vi.waitFor(async () => {
      expect((await call("GET", "/v1/incidents")).body.items).toMatchObject([{ monitorId, status: "open" }]);
    });
    expect(await listed()).toEqual([]);
  });
});
