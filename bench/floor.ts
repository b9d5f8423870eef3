import { Redis } from "ioredis";
import pg from "pg";
import { Pool } from "undici";
import { nowMs } from "../testing/monotonic.ts";
import { serve } from "./helper.ts";

// The durable floor: what an alert costs when nothing is done but what makes it durable. A source adds an event to a
// stream; hop one stores it and adds it to a second stream; hop two stores it and calls the webhook. A process each,
// started with <source|one|two> <database URL> <Redis URL> <webhook URL>, as lean as the same drivers allow.

/** An event: which one it is, which of the rows it changes, and how long after the first one it is sent. */
export interface FloorEvent {
  readonly id: string;
  readonly row: number;
  readonly afterMs: number;
}

export interface Sent {
  readonly name: string;
  readonly atMs: number;
}

type Reply = readonly [
  readonly [stream: string, entries: readonly (readonly [id: string, fields: readonly string[]])[]],
];

const [part, databaseUrl = "", redisUrl = "", webhookUrl = ""] = process.argv.slice(2);
const STREAMS = { one: "floor.one", two: "floor.two" } as const;
const GROUP = "floor";
/** Makes the webhook about as long as one of Stillup's. */
const PADDING = "x".repeat(600);

// RESP3 would give XREADGROUP's reply another shape.
const openRedis = () => new Redis(redisUrl, { protocol: 2 });
const redis = openRedis();

/** Adds the events at their times; resolves with when each was sent. */
async function run(events: readonly FloorEvent[]): Promise<Sent[]> {
  return Promise.all(
    events.map(async (event) => {
      await new Promise((resolve) => setTimeout(resolve, event.afterMs));
      const atMs = nowMs();
      await redis.xadd(STREAMS.one, "*", "event", JSON.stringify(event));
      return { name: event.id, atMs };
    }),
  );
}

const STORE = `
  with stored as (insert into floor_events (id, hop) values ($1, $2))
  update floor_rows set version = version + 1 where row = $3`;

/** Inserts the event and updates its row, in one prepared statement and one trip. */
function createStore() {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4, idleTimeoutMillis: 0 });
  return (hop: string, { id, row }: FloorEvent) => pool.query({ name: "store", text: STORE, values: [id, hop, row] });
}

/** Gives every new entry of a stream to `handle`, without waiting for the one before. What fails ends the process. */
async function readAll(stream: string, handle: (id: string, event: FloorEvent) => Promise<unknown>): Promise<never> {
  await redis.xgroup("CREATE", stream, GROUP, "0", "MKSTREAM");
  const reader = openRedis();
  for (;;) {
    const args = ["GROUP", GROUP, "hop", "COUNT", 100, "BLOCK", 0, "STREAMS", stream, ">"];
    const [[, entries]] = (await reader.call("XREADGROUP", args)) as Reply;
    for (const [id, fields] of entries) void handle(id, JSON.parse(fields[1] ?? "") as FloorEvent);
  }
}

async function hopOne(): Promise<void> {
  const store = createStore();
  await readAll(STREAMS.one, async (id, event) => {
    await store("one", event);
    const next = JSON.stringify(event);
    await redis
      .pipeline()
      .xadd(STREAMS.two, "*", "event", next)
      .xack(STREAMS.one, GROUP, id)
      .xdel(STREAMS.one, id)
      .exec();
  });
}

async function hopTwo(): Promise<void> {
  const store = createStore();
  // A fresh connection for each request, like Stillup's.
  const receiver = new Pool(new URL(webhookUrl).origin, { pipelining: 0 });
  await readAll(STREAMS.two, async (id, event) => {
    await store("two", event);
    const body = JSON.stringify({
      id: event.id,
      type: "floor",
      data: { monitor: { target: `/${event.id}` }, PADDING },
    });
    const headers = { "content-type": "application/json" };
    const answer = await receiver.request({ method: "POST", path: "/", headers, body });
    await answer.body.dump();
    await redis.pipeline().xack(STREAMS.two, GROUP, id).xdel(STREAMS.two, id).exec();
  });
}

const methods = { run };
export type FloorMethods = typeof methods;
serve(methods);
if (part === "one") void hopOne();
if (part === "two") void hopTwo();
