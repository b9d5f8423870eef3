import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createPostgresSql } from "../../runtime/drivers/sql/postgres.ts";
import type { Sql, SqlDriver } from "../../runtime/drivers/sql/sql.ts";
import type { EventStream } from "../../runtime/drivers/stream/stream.ts";
import { createUpstashStream } from "../../runtime/drivers/stream/upstash.ts";
import { serveHttp, type TestServer } from "../../testing/http-servers.ts";
import type { Answered, Host, Queued, Sent } from "./support/host.ts";
import { makeFixtureRoot, type StartHost } from "./support/hosts.ts";
import { type Ids, routeCalls, routeNames } from "./support/route-calls.ts";
import { API_KEY, type HostServices, startHostServices } from "./support/services.ts";

export interface ConformanceOptions {
  readonly start: StartHost;
  /** It has no processes, but a clock. */
  readonly ticks: boolean;
  /** What of queues the host has. */
  readonly queues: readonly ("standard" | "fifo")[];
}

const project = join(import.meta.dirname, "../..");
const key = ["authorization", `Bearer ${API_KEY}`] as const;
const json = ["content-type", "application/json"] as const;
const WAIT = { timeout: 30_000, interval: 100 };

/** What every host does, each in its own runtime: the same functions, the same answers. */
export function conformance(name: string, { start, ticks, queues }: ConformanceOptions): void {
  describe(name, () => {
    let services: HostServices;
    let folder: string;
    let redis: Redis;
    let sql: SqlDriver;
    let stream: EventStream;

    beforeAll(async () => {
      services = await startHostServices();
      folder = await mkdtemp(join(tmpdir(), "stillup-hosts-"));
      redis = new Redis(services.redisUrl, { protocol: 2 });
      sql = createPostgresSql({ url: services.databaseUrl });
      stream = createUpstashStream(services.upstash);
    });
    afterAll(async () => {
      await stream.close();
      await sql.close();
      await redis.quit();
      await services.stop();
      await rm(folder, { recursive: true });
    });

    /** A host with the functions in `root`, started before the describe's tests and stopped after them. */
    const use = (root: () => string) => {
      let host: Host | undefined;
      beforeAll(async () => {
        host = await start({ services, root: root(), outDir: join(folder, root().replace(/\W/g, "-")) });
      });
      afterAll(() => host?.stop());
      return () => host as Host; // started by then
    };

    describe("with functions made to be hard", () => {
      let fixture: Awaited<ReturnType<typeof makeFixtureRoot>>;
      beforeAll(async () => {
        fixture = await makeFixtureRoot();
      });
      afterAll(() => fixture.remove());
      const host = use(() => fixture.root);
      requestCases({ host, services: () => services });
      streamCases({ host, redis: () => redis, sql: () => sql, stream: () => stream, ticks });
      if (queues.includes("standard")) queueCases({ host, redis: () => redis, sql: () => sql });
      if (queues.includes("fifo")) orderCases({ host });
    });

    describe("with Stillup's own functions", () => {
      ownCases({ host: use(() => project), services: () => services, sql: () => sql });
    });
  });
}

interface Given {
  host(): Host;
  redis(): Redis;
  sql(): Sql;
  stream(): EventStream;
}

function problemOf({ status, headers, body }: Answered) {
  expect(headers.get("content-type")).toBe("application/problem+json");
  const problem = JSON.parse(body.toString());
  expect(problem).toMatchObject({ status, requestId: headers.get("x-request-id") });
  return problem;
}

/** Ticks, one after the other, until what is to be seen is there. */
async function tickUntil(host: Host, seen: () => Promise<unknown>): Promise<void> {
  let done = host.tick === undefined;
  const ticks = async () => {
    while (!done) await host.tick?.();
  };
  const seeing = seen().finally(() => {
    done = true;
  });
  await Promise.all([seeing, ticks()]);
}

function requestCases({ host, services }: Pick<Given, "host"> & { services(): HostServices }): void {
  const echo = async (sent: Partial<Sent>) => {
    const answer = await host().send({ method: "POST", path: "/v1/echo", body: "", ...sent });
    expect(answer.status).toBe(200);
    return { answer, seen: JSON.parse(answer.body.toString()) };
  };

  test("A path and a query come as they were sent", async () => {
    const { seen } = await echo({ path: "/v1/echo?a=%20b+c&d=%2F&e=%C3%BC&e=2&f" });
    expect([seen.path, seen.search]).toEqual(["/v1/echo", "?a=%20b+c&d=%2F&e=%C3%BC&e=2&f"]);
    const { status } = await host().send({ method: "POST", path: "/v1%2Fecho", headers: [key], body: "" });
    expect(status).toBe(404);
  });

  test("Cookies come together, and each that is set goes by itself", async () => {
    const { answer, seen } = await echo({ headers: [["cookie", "a=1; b=2"]] });
    expect(seen.cookie).toBe("a=1; b=2");
    expect(answer.headers.getSetCookie()).toEqual([
      "a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
      "b=2; HttpOnly",
    ]);
  });

  test("A header that is sent twice comes joined, and one of the answer's own is kept", async () => {
    const { answer, seen } = await echo({
      headers: [
        ["x-double", "1"],
        ["x-double", "2"],
      ],
    });
    expect([seen.double, answer.headers.get("x-own")]).toEqual(["1, 2", "kept"]);
  });

  test("Bytes go both ways unchanged, and so does text in UTF-8", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const { seen } = await echo({ body: bytes, headers: [["content-type", "application/octet-stream"]] });
    expect(Buffer.from(seen.body, "base64")).toEqual(Buffer.from(bytes));
    const { seen: written } = await echo({ body: "Grüße 🎉", headers: [json] });
    expect(Buffer.from(written.body, "base64").toString()).toBe("Grüße 🎉");
    expect((await host().send({ method: "GET", path: "/v1/bytes" })).body).toEqual(Buffer.from(bytes));
  });

  test("An encoded answer goes as it is encoded", async () => {
    const { headers, body } = await host().send({
      method: "GET",
      path: "/v1/zipped",
      headers: [["accept-encoding", "gzip"]],
    });
    expect(headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(body).toString()).toBe("Grüße ".repeat(1000));
  });

  test("A 204 has no body, and HEAD is answered as GET without one", async () => {
    const nothing = await host().send({ method: "GET", path: "/v1/nothing" });
    expect([nothing.status, nothing.body.length]).toEqual([204, 0]);
    const head = await host().send({ method: "HEAD", path: "/v1/error" });
    expect([head.status, head.body.length, head.headers.get("content-type")]).toEqual([
      500,
      0,
      "application/problem+json",
    ]);
  });

  test("A body of 900 KB comes whole", async () => {
    const { seen } = await echo({ body: "x".repeat(900_000), headers: [["content-type", "text/plain"]] });
    expect(Buffer.from(seen.body, "base64").length).toBe(900_000);
  });

  test("What a function throws is answered with a problem of status 500, without a word of the inside, and logged", async () => {
    const answer = await host().send({
      method: "GET",
      path: "/v1/error",
      headers: [["x-request-id", "request-of-mine"]],
    });
    expect(answer.status).toBe(500);
    expect(problemOf(answer).requestId).toBe("request-of-mine");
    expect(answer.body.toString()).not.toMatch(/secret|\.ts|\.mjs| at /);
    await expect
      .poll(() => host().printed(), WAIT)
      .toMatch(/a secret of the inside.*request-of-mine|request-of-mine.*a secret of the inside/s);
  });

  test("A database that does not answer in time is answered with a problem of status 503", async () => {
    services().neon.emulator.faults.set({ sleep: { wakeMs: 60_000, refuses: false } });
    try {
      const answer = await host().send({ method: "GET", path: "/v1/late" });
      expect([answer.status, problemOf(answer).code]).toEqual([503, "database_unavailable"]);
    } finally {
      services().neon.emulator.faults.reset();
    }
  });

  test("Every request has its own id, and an unknown path is a problem", async () => {
    const answers = await Promise.all(
      [1, 2].map(() => host().send({ method: "GET", path: "/nowhere", headers: [key] })),
    );
    expect(answers.map((answer) => problemOf(answer).code)).toEqual(["not_found", "not_found"]);
    expect(new Set(answers.map(({ headers }) => headers.get("x-request-id"))).size).toBe(2);
  });
}

const STREAM = "stillup:work.due";

function streamCases({ host, redis, sql, stream, ticks }: Given & { ticks: boolean }): void {
  const add = (...bodies: readonly unknown[]) =>
    stream().publish(
      bodies.map((body) => ({ stream: "work.due", body: typeof body === "string" ? body : JSON.stringify(body) })),
    );
  const said = async (): Promise<{ say: string; attempts?: number }[]> => {
    const entries = await redis().xrange("stillup:said", "-", "+");
    return entries.map(([, fields]) => JSON.parse(fields[1] ?? "")).sort((a, b) => (a.say < b.say ? -1 : 1));
  };
  const words = async () => (await said()).map(({ say }) => say).filter((say) => say !== "a turn");
  const left = () => redis().xlen(STREAM);
  const ticking = (seen: () => Promise<unknown>) => tickUntil(host(), seen);
  beforeEach(async () => {
    await redis().del("stillup:said");
    await redis().xtrim(STREAM, "MAXLEN", 0);
  });

  test("A tick reads what is in a stream, and settles it", async () => {
    await add({ say: "a" }, { say: "b" }, { say: "c" });
    await ticking(() => expect.poll(words, WAIT).toEqual(["a", "b", "c"]));
    await expect.poll(left, WAIT).toBe(0);
  });

  test("A message of several that is to be tried again comes again, and the others do not", async () => {
    await add({ say: "a" }, { say: "b", first: "retry" }, { say: "c" });
    await ticking(() => expect.poll(words, WAIT).toEqual(["a", "b", "c"]));
    expect((await said()).filter(({ say }) => say !== "a turn").map(({ attempts }) => attempts)).toEqual([1, 2, 1]);
  });

  test.each(["throw", "unknown"])("A call that fails (%s) loses nothing: its messages come again", async (first) => {
    await add({ say: "a" }, { say: "b", first });
    await ticking(() => expect.poll(words, WAIT).toEqual(["a", "b"]));
    await expect.poll(left, WAIT).toBe(0);
  });

  test("A message that cannot be read is dead-lettered alone", async () => {
    await add({ say: "a" }, "{ not json", '{"say":1}');
    await ticking(async () => {
      await expect.poll(words, WAIT).toEqual(["a"]);
      const rows = () => sql()`select body from dead_letters where stream = 'work.due' order by length(body)`;
      await expect.poll(rows, WAIT).toEqual([{ body: '{"say":1}' }, { body: "{ not json" }]);
    });
    await expect.poll(left, WAIT).toBe(0);
  });

  test("The messages of a worker that died are claimed by another", async () => {
    await redis()
      .xgroup("CREATE", STREAM, "monitoring", "0", "MKSTREAM")
      .catch(() => {}); // it may be there
    const id = await redis().xadd(STREAM, "*", "body", '{"say":"a"}');
    await redis().xreadgroup("GROUP", "monitoring", "dead", "COUNT", 1, "STREAMS", STREAM, ">");
    await redis().xclaim(STREAM, "monitoring", "dead", 0, id ?? "", "IDLE", 3_600_000);
    // Where nothing was told of the first, the second lets a process look.
    await add({ say: "b" });
    await ticking(() => expect.poll(words, WAIT).toEqual(["a", "b"]));
  });

  if (!ticks) return;

  test("Two ticks at once, and one that comes late, do nothing twice and leave nothing out", async () => {
    await sql()`update schedules set next_run_at = '-infinity', last_run_at = null where name = 'apply-retention'`;
    const many = Array.from({ length: 30 }, (_, at) => `word ${String(at).padStart(2, "0")}`);
    await add(...many.map((say) => ({ say })));
    await Promise.all([host().tick?.(), host().tick?.()]);
    await host().tick?.();
    expect(await words()).toEqual(many);
    expect((await said()).filter(({ say }) => say === "a turn")).toHaveLength(1);
  });

  test("What is under way when a tick ends goes back into the stream, for the next one", async () => {
    await add({ say: "late", first: "late" });
    await host().tick?.();
    expect([await words(), await left()]).toEqual([[], 1]);
    await host().tick?.();
    expect([await words(), await left()]).toEqual([["late"], 0]);
  });
}

function queueCases({ host, redis, sql }: Pick<Given, "host" | "redis" | "sql">): void {
  const queue = async (messages: readonly Queued[], options?: { inOrder?: boolean }) =>
    (await host().queue?.(messages, options))?.sort() ?? ["there is no queue"];
  const message = (id: string, body: unknown, attempts = 1): Queued => ({
    id,
    attempts,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const words = async () => {
    const entries = await redis().xrange("stillup:said", "-", "+");
    return entries.map(([, fields]) => JSON.parse(fields[1] ?? "").say as string).sort();
  };
  beforeEach(() => redis().del("stillup:said"));

  test("The host's queue hands its messages to the same function", async () => {
    expect(await queue([message("1", { say: "a" }), message("2", { say: "b" })])).toEqual([]);
    expect(await words()).toEqual(["a", "b"]);
  });

  test("Of a queue's batch only what is to be tried again comes again", async () => {
    const batch = [message("1", { say: "a" }), message("2", { say: "b", first: "retry" })];
    expect(await queue(batch)).toEqual(["2"]);
    expect(await words()).toEqual(["a"]);
  });

  test.each(["throw", "unknown"])(
    "A queue's call that fails (%s) loses nothing: its messages come again",
    async (first) => {
      expect(await queue([message("1", { say: "a" }), message("2", { say: "b", first })])).toEqual(["1", "2"]);
      expect(await queue([message("1", { say: "a" }, 2), message("2", { say: "b", first }, 2)])).toEqual([]);
      expect(await words()).toEqual(["a", "b"]);
    },
  );

  test("A queue's message that cannot be read is dead-lettered, and done", async () => {
    expect(await queue([message("q1", { say: "a" }), message("q2", "nothing")])).toEqual([]);
    const rows = await sql()`select body from dead_letters where message_id = 'q2'`;
    expect([rows, await words()]).toEqual([[{ body: "nothing" }], ["a"]]);
  });
}

function orderCases({ host }: Pick<Given, "host">): void {
  test("In a queue that keeps an order, all after the first that fails comes again", async () => {
    const messages = [{ say: "a" }, { say: "b", first: "retry" }, { say: "c" }].map((body, at) => ({
      id: String(at + 1),
      attempts: 1,
      body: JSON.stringify(body),
    }));
    expect(await host().queue?.(messages, { inOrder: true })).toEqual(["2", "3"]);
  });
}

function ownCases({ host, services, sql }: Pick<Given, "host" | "sql"> & { services(): HostServices }): void {
  let target: TestServer;
  let receiver: TestServer;
  const arrived: string[] = [];
  let isUp = true;
  let ids: Ids;
  beforeAll(async () => {
    receiver = await serveHttp(async (request, response) => {
      arrived.push((JSON.parse(await text(request)) as { type: string }).type);
      response.writeHead(204).end();
    });
    target = await serveHttp((_, response) => response.writeHead(isUp ? 200 : 500).end());
  });
  afterAll(async () => {
    await target.close();
    await receiver.close();
  });

  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await host().send({
      method,
      path,
      headers: [key, ...(body === undefined ? [] : [json])],
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      ...answer,
      value: answer.body.length === 0 || answer.body[0] !== 0x7b ? null : JSON.parse(answer.body.toString()),
    };
  };
  test("The main job: monitors are checked, changes decided, and a webhook sent", async () => {
    const channel = await call("POST", "/v1/channels", {
      name: "On call",
      type: "webhook",
      config: { url: receiver.url },
    });
    const monitor = await call("POST", "/v1/monitors", {
      name: "Shop",
      type: "http",
      url: `${target.url}/shop`,
      intervalSeconds: 60,
      failureThreshold: 1,
      recoveryThreshold: 1,
    });
    expect([channel.status, monitor.status]).toEqual([201, 201]);
    const { id } = monitor.value;
    const status = async () => (await call("GET", `/v1/monitors/${id}`)).value.status;
    const types = () => arrived;
    const checkNow = async () => expect((await call("POST", `/v1/monitors/${id}/check`)).status).toBe(202);

    await tickUntil(host(), async () => {
      await expect.poll(status, WAIT).toBe("up");
      isUp = false;
      await checkNow();
      await expect.poll(types, WAIT).toEqual(["monitor.down"]);
      isUp = true;
      await checkNow();
      await expect.poll(types, WAIT).toEqual(["monitor.down", "monitor.up"]);
    });
    const incidents = await call("GET", "/v1/incidents");
    expect(incidents.value.items).toMatchObject([{ monitorId: id, status: "resolved", cause: { statusCode: 500 } }]);
    ids = { monitor: id, channel: channel.value.id, incident: incidents.value.items[0].id };
  });

  test("Every route answers as it should", async () => {
    const calls = await routeCalls(sql(), ids, receiver.url);
    expect(calls.map(({ name }) => name).sort()).toEqual(await routeNames());
    for (const { name, method, path, body, status } of calls) {
      const answer = await call(method, path, body);
      expect([name, answer.status, answer.body.toString().slice(0, 300)]).toEqual([name, status, expect.anything()]);
      expect(answer.headers.get("x-request-id"), name).toMatch(/^[\w.:-]+$/);
    }
  });

  test("Every route reports what is wrong", async () => {
    const unknown = {
      monitor: "mon_none",
      channel: "ch_none",
      incident: "inc_none",
      delivery: "dlv_none",
      deadLetters: "msg_none",
    };
    for (const { name, method, path, body, isOpen, path: full } of await routeCalls(sql(), unknown, receiver.url)) {
      const hasId = full.includes("_none");
      if (!isOpen) {
        const answer = await host().send({
          method,
          path,
          headers: [json],
          ...(body === undefined ? {} : { body: "{}" }),
        });
        expect([name, problemOf(answer).code]).toEqual([name, "unauthorized"]);
      }
      const answer = hasId ? await call(method, path, body) : await call(method, `${path}?surely=not`, body);
      expect([name, answer.status, problemOf(answer).code]).toEqual(
        hasId ? [name, 404, "not_found"] : [name, 400, "invalid_request"],
      );
    }
  });

  test("A body over 1 MiB is refused with 413", async () => {
    const answer = await call("POST", "/v1/monitors", { name: "x".repeat(1024 * 1024) });
    expect([answer.status, problemOf(answer).code]).toEqual([413, "body_too_large"]);
  });

  test("A statement that the database refuses is answered with 500, and its message is not shown", async () => {
    await sql()`alter table incidents rename to incidents_away`;
    try {
      const answer = await call("GET", "/v1/incidents");
      expect([answer.status, problemOf(answer).code]).toEqual([500, "database_error"]);
      expect(answer.body.toString()).not.toMatch(/incidents_away|relation|select/);
    } finally {
      await sql()`alter table incidents_away rename to incidents`;
    }
  });

  test("/healthz shows the limitations of the host", async () => {
    const { value } = await call("GET", "/healthz");
    expect(value.status).toBe("ok");
    if (value.limits !== undefined) expect(value.limits.minIntervalSeconds).toBeGreaterThanOrEqual(5);
    expect(services().variables["WORK_SECONDS"]).toBe("5");
  });
}
