import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { statusChanged } from "../../../../domain/messaging/wake-up.ts";
import enqueueChecks from "../../../../functions/schedules/enqueue-checks.ts";
import sweepDeliveries from "../../../../functions/schedules/sweep-deliveries.ts";
import sweepStatusChanges from "../../../../functions/schedules/sweep-status-changes.ts";
import monitoring, { source as checks } from "../../../../functions/workers/monitoring.ts";
import type { Env, ScheduledFunction } from "../../../../runtime/contract.ts";
import type { HttpCall } from "../../../../runtime/drivers/http/http.ts";
import type { Sql } from "../../../../runtime/drivers/sql/sql.ts";
import { StillupError } from "../../../../runtime/errors.ts";
import { checkDue, enqueue } from "../../../../testing/pipeline.ts";
import { addChannel, addMonitor } from "../../../../testing/rows.ts";
import { answer } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const forever = new AbortController().signal;
const start = new Date("2026-03-01T12:00:00Z");
let env: TestEnv;
let isUp: boolean;
/** What the receiver got, each as its type and id. */
let posts: string[];

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set(start);
  isUp = true;
  posts = [];
  env.http.on(() => answer(isUp ? 200 : 500));
  env.http.on("http://receiver.example/", (call) => {
    posts.push(describePost(call));
    return answer(204);
  });
  await addChannel(env.sql, { config: { url: "http://receiver.example/" } });
  await addMonitor(env.sql, { failureThreshold: 1, recoveryThreshold: 1 });
  await checkDue(env, env.ctx());
});
afterAll(() => env.close());

function describePost({ body, headers }: HttpCall): string {
  return `${(JSON.parse(body ?? "") as { type: string }).type} ${headers?.["webhook-id"]}`;
}

/** Makes the checks that are due, up to where a wake-up would wake for what they changed. */
async function checkOnly(): Promise<void> {
  await env.clock.advance(60);
  await enqueue(env, env.ctx());
  const who = { stream: checks.stream, group: checks.group, consumer: "test" };
  const messages = await env.stream.read(who, { count: 10, blockMs: 0, signal: forever });
  const late = messages.map((message) => ({ ...message, attempts: 2 }));
  await monitoring.consume({ source: checks.stream, messages: late }, env, env.ctx());
}

/** One tick of a schedule, with all that it leaves running, on these bindings. */
async function tick(schedule: ScheduledFunction, bindings: Env = env): Promise<void> {
  const left: Promise<unknown>[] = [];
  const ctx = env.ctx({ waitUntil: (work) => void left.push(work) });
  const result = await schedule.scheduled({ id: "tick", scheduledTime: 0 }, bindings, ctx);
  if (result?.publish !== undefined) await env.stream.publish(result.publish);
  await Promise.all(left);
}

/** What the sweeps find within 10 s, with streams that carry nothing. */
async function sweep(): Promise<void> {
  for (const schedule of [sweepStatusChanges, sweepDeliveries]) {
    env.stream.loseEverything();
    await tick(schedule);
  }
  env.stream.loseEverything();
}

describe("A status change whose wake-up is lost", () => {
  it("is notified by the sweeps alone, once, and its end too", async () => {
    isUp = false;
    await checkOnly();
    expect(await env.stream.state(statusChanged.stream, statusChanged.group)).toMatchObject({ length: 1 });
    await sweep();
    expect(posts).toEqual([expect.stringMatching(/^monitor\.down dlv_/)]);
    isUp = true;
    await checkOnly();
    await sweep();
    await env.clock.advance(10);
    await sweep();
    expect(posts).toEqual([expect.stringMatching(/^monitor\.down dlv_/), expect.stringMatching(/^monitor\.up dlv_/)]);
    expect(await env.sql`select from incidents where resolved_at is null`).toEqual([]);
  });

  it("is notified once by sweeps that run twice at once, and by one that is an hour late", async () => {
    isUp = false;
    await checkOnly();
    env.stream.loseEverything();
    await env.clock.advance(3600);
    for (const schedule of [sweepStatusChanges, sweepDeliveries]) await Promise.all([tick(schedule), tick(schedule)]);
    expect(posts).toHaveLength(1);
  });
});

describe("A worker that dies between a receiver's answer and its recording", () => {
  /** After the receiver's answer nothing reaches the database. */
  function dying(): Env {
    const gone = async () => {
      throw new Error("The process is gone.");
    };
    const sql = ((strings, ...values) => (posts.length === 0 ? env.sql(strings, ...values) : gone())) as Sql;
    return { ...env, sql: Object.assign(sql, { transaction: env.sql.transaction }) };
  }

  it("costs one more try, of the same id, once its lease is over", async () => {
    isUp = false;
    await checkOnly();
    await tick(sweepStatusChanges);
    await tick(sweepDeliveries, dying());
    await env.clock.advance(29);
    await tick(sweepDeliveries);
    expect(posts).toHaveLength(1);
    for (const seconds of [2, 10, 3600]) {
      await env.clock.advance(seconds);
      await tick(sweepDeliveries);
    }
    expect(posts).toHaveLength(2);
    expect(new Set(posts).size).toBe(1);
    expect(await env.sql`select status, attempts from deliveries`).toEqual([{ status: "delivered", attempts: 2 }]);
  });
});

describe("A receiver's answer", () => {
  /** The first `times` statements after it fail, as where Postgres starts anew. */
  function restarting(times: number, error: Error): Env {
    let left = times;
    const sql = ((strings, ...values) =>
      posts.length > 0 && left-- > 0 ? Promise.reject(error) : env.sql(strings, ...values)) as Sql;
    return { ...env, sql: Object.assign(sql, { transaction: env.sql.transaction }) };
  }
  const away = new StillupError("database_unavailable", "Postgres starts anew");
  const sweepOn = async (bindings: Env) => {
    isUp = false;
    await checkOnly();
    await tick(sweepStatusChanges);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const ticking = tick(sweepDeliveries, bindings);
    await vi.waitFor(() => expect(posts).toHaveLength(1));
    for (let seconds = 0; seconds < 7; seconds++) await vi.advanceTimersByTimeAsync(1000);
    await ticking;
    vi.useRealTimers();
    return env.sql`select status, attempts, leased_until is null as free from deliveries`;
  };

  it("is recorded when a database that was away for seconds is back, and nothing is sent twice", async () => {
    expect(await sweepOn(restarting(3, away))).toEqual([{ status: "delivered", attempts: 1, free: true }]);
    expect(posts).toHaveLength(1);
  });

  it("is given up after a while, and sent again once its lease is over", async () => {
    expect(await sweepOn(restarting(4, away))).toEqual([{ status: "pending", attempts: 1, free: false }]);
  });

  it("is not recorded again and again where the database refuses the statement", async () => {
    const refused = new StillupError("database_error", "no such column");
    expect(await sweepOn(restarting(1, refused))).toEqual([{ status: "pending", attempts: 1, free: false }]);
  });
});

describe("A try that failed", () => {
  it("is recorded although no wake-up can be sent for the next one", async () => {
    isUp = false;
    await checkOnly();
    await tick(sweepStatusChanges);
    env.http.on("http://receiver.example/", () => answer(500));
    Object.assign(env.stream, { wake: () => Promise.reject(new StillupError("stream_unavailable", "Redis is away")) });
    await tick(sweepDeliveries);
    expect(await env.sql`select attempts, leased_until, next_attempt_at > app_now() as later from deliveries`).toEqual([
      { attempts: 1, leased_until: null, later: true },
    ]);
    expect(env.logged.filter(({ level }) => level === "WARN").map(({ message }) => message)).toEqual([
      "A wake-up could not be sent; the next sweep does its work.",
    ]);
  });
});

describe("A clock of a host's own that ticks as it likes", () => {
  it("gives a check out once, whether it ticks twice, late, or not at all for an hour", async () => {
    const before = env.http.calls.length;
    await env.clock.advance(3600);
    await Promise.all([tick(enqueueChecks), tick(enqueueChecks), tick(enqueueChecks)]);
    const { stream, group } = checks;
    expect(await env.stream.state(stream, group)).toMatchObject({ length: 1 });
    await checkDue(env, env.ctx());
    expect(env.http.calls.length).toBe(before + 1);
  });
});

describe("A replica whose clock is wrong", () => {
  it.each([-10, 10])("by %i minutes decides, dates and plans as any other", async (minutes) => {
    vi.useFakeTimers({ toFake: ["Date"], now: start.getTime() + 60_000 * (minutes + 1) });
    onTestFinished(() => void vi.useRealTimers());
    isUp = false;
    await checkOnly();
    await sweep();
    expect(posts).toHaveLength(1);
    const [row] = await env.sql<{ status: string; downFor: number; nextIn: number }>`
      select status, extract(epoch from app_now() - status_since)::float8 as "downFor",
        extract(epoch from next_check_at - app_now())::float8 as "nextIn"
      from monitors`;
    expect(row?.status).toBe("down");
    expect(Math.abs(row?.downFor ?? 99)).toBeLessThan(1);
    expect(row?.nextIn).toBeGreaterThan(0);
    expect(row?.nextIn).toBeLessThanOrEqual(66); // the slot after the one that was given out, up to 5 s before it was due
  });
});
