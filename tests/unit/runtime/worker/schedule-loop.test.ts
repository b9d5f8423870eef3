import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Ctx, type ScheduledResult, SLEEPING_SCHEDULES, type Tick } from "../../../../runtime/contract.ts";
import type { Outgoing } from "../../../../runtime/drivers/stream/stream.ts";
import { StillupError } from "../../../../runtime/errors.ts";
import { createBackground } from "../../../../runtime/worker/background.ts";
import { type ScheduleLoop, startScheduleLoop } from "../../../../runtime/worker/schedule-loop.ts";
import { listenForWakeUps } from "../../../../runtime/worker/wake-ups.ts";
import { createSleeps, type Sleeps } from "../../../../testing/sleeps.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

/** What a loop adds to every wait, at most. */
const JITTER_MS = 250;
const never = new AbortController().signal;
const away = new StillupError("stream_unavailable", "Redis is away");

/** A run under way, which the test ends. */
interface Run {
  readonly tick: Tick;
  readonly ctx: Ctx;
  done(result?: ScheduledResult): void;
  fail(error: unknown): void;
}

let env: TestEnv;
let sleeps: Sleeps;
let runs: Run[];
let loop: ScheduleLoop;

beforeEach(async () => {
  env = await testEnv();
  sleeps = createSleeps();
  runs = [];
  loop = startScheduleLoop({
    name: "apply-retention",
    schedule: { everySeconds: 60, runsWith: [] },
    fn: {
      scheduled: (tick, _env, ctx) =>
        new Promise((resolve, reject) => runs.push({ tick, ctx, done: resolve, fail: reject })),
    },
    env,
    background: createBackground(env.log),
    sleep: sleeps.sleep,
  });
});

afterEach(async () => {
  const stopped = loop.stop();
  for (const run of runs) run.done();
  await stopped;
});

describe("A schedule's loop", () => {
  test("runs at once, and again when the schedule's time is over", async () => {
    (await run(1)).done();
    await pause(60_000);
    const second = await run(2);
    expect(second.tick.id).not.toBe(runs[0]?.tick.id);
    expect(second.ctx.requestId).toBe(second.tick.id);
  });

  test.each([
    [4500, 4500],
    [0, 0],
    [-20, 0],
    [90_000_000, 3_600_000],
  ])("asked for the next run in %i ms waits %i ms", async (nextInMs, waits) => {
    (await run(1)).done({ nextInMs });
    await pause(waits);
    await run(2);
  });

  test("adds what a run publishes", async () => {
    (await run(1)).done({ publish: [{ stream: "work", body: "from the schedule" }] });
    const read = { count: 1, blockMs: 5000, signal: never };
    const messages = await env.stream.read({ stream: "work", group: "g", consumer: "c" }, read);
    expect(messages.map(({ body }) => body)).toEqual(["from the schedule"]);
  });

  test("publishes the messages of a run until that works, and logs the failure once", async () => {
    const { publish } = env.stream;
    let failures = 3;
    Object.assign(env.stream, {
      publish: (entries: readonly Outgoing[]) => (failures-- > 0 ? Promise.reject(away) : publish(entries)),
    });
    (await run(1)).done({ publish: [{ stream: "work", body: "given out once" }] });
    for (let tries = 0; tries < 3; tries++) await sleeps.end(100, 5000);
    await pause(60_000, 55_000);
    await run(2);
    expect(await env.stream.state("work", "g")).toMatchObject({ length: 1 });
    expect(env.logged.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "ERROR The schedule apply-retention fails; it is retried until it works.",
      "WARN The schedule apply-retention works again.",
    ]);
  });

  test("runs again when its time has come, whether or not it could publish what it gave out before", async () => {
    Object.assign(env.stream, { publish: () => Promise.reject(away) });
    const now = vi.spyOn(performance, "now");
    onTestFinished(() => now.mockRestore());
    (await run(1)).done({ publish: [{ stream: "work", body: "lost" }], nextInMs: 4500 });
    await vi.waitFor(() => expect(sleeps.going()).toHaveLength(1));
    now.mockReturnValue(performance.now() + 6000);
    await sleeps.end(100, 5000);
    await pause(0);
    await run(2);
  });

  test("runs at its wake-up, and at no other", async () => {
    const wakeUps = listenForWakeUps([loop], env);
    (await run(1)).done();
    await sleeps.end(20, 20);
    await vi.waitFor(() => expect(sleeps.going()).toHaveLength(1));
    await env.stream.wake("roll-up");
    await env.stream.wake("apply-retention");
    await run(2);
    expect(runs).toHaveLength(2);
    await wakeUps.stop();
  });

  test("that sleeps because there was nothing to do runs when the sleeping schedules are woken", async () => {
    const wakeUps = listenForWakeUps([loop], env);
    (await run(1)).done({ nextInMs: 3_000_000 });
    await sleeps.end(20, 20);
    (await run(2)).done({ nextInMs: 3_000_000 }); // the wake-ups were not heard until now
    await sleeps.end(20, 20);
    await vi.waitFor(() => expect(sleeps.going()).toHaveLength(1));
    await env.stream.wake("roll-up", SLEEPING_SCHEDULES);
    (await run(3)).done({ nextInMs: 60_000 });
    await sleeps.end(20, 20);
    await vi.waitFor(() => expect(sleeps.going()).toHaveLength(1));
    await env.stream.wake("roll-up", SLEEPING_SCHEDULES); // it is not asleep: it keeps its time
    await sleeps.end(60_000, 60_000 + JITTER_MS);
    await run(4);
    await wakeUps.stop();
  });

  test("does not fall asleep when the sleeping schedules were woken while it ran", async () => {
    const first = await run(1);
    loop.wakeFromSleep();
    first.done({ nextInMs: 3_000_000 });
    await sleeps.end(20, 20);
    await run(2);
  });

  test("woken while it runs, runs once more, however often, and never twice at once", async () => {
    const first = await run(1);
    loop.wake();
    loop.wake();
    expect(runs).toHaveLength(1);
    first.done();
    await sleeps.end(20, 20);
    (await run(2)).done();
    await pause(60_000);
    await run(3);
  });

  test("logs failing runs once, tries again within 5 s, and logs when it works", async () => {
    for (let count = 1; count <= 6; count++) {
      (await run(count)).fail(new StillupError("database_unavailable", "Postgres is away"));
      await sleeps.end(20, 20);
      await sleeps.end(100, 5000);
    }
    (await run(7)).done();
    await pause(60_000);
    expect(env.logged.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "ERROR The schedule apply-retention fails; it is retried until it works.",
      "WARN The schedule apply-retention works again.",
    ]);
  });

  test("that is stopped aborts the run, waits for it, and runs no more", async () => {
    const { ctx, done } = await run(1);
    expect(loop.left()).toBe("a run");
    let stopped = false;
    const stopping = loop.stop().then(() => {
      stopped = true;
    });
    expect(ctx.signal.aborted).toBe(true);
    await Promise.resolve();
    expect(stopped).toBe(false);
    done();
    await stopping;
    loop.wake();
    expect(loop.left()).toBeNull();
    expect(sleeps.going()).toEqual([]);
    expect(runs).toHaveLength(1);
  });
});

describe("Wake-ups", () => {
  test("that cannot be subscribed to are tried again and logged once, and none is missed", async () => {
    let failures = 2;
    const onWake: typeof env.stream.onWake = (names, wake) =>
      failures-- > 0 ? Promise.reject(new StillupError("stream_unavailable", "away")) : env.stream.onWake(names, wake);
    const wakeUps = listenForWakeUps([loop], { ...env, stream: { ...env.stream, onWake } });
    await vi.waitFor(() => expect(env.logged.map(({ level }) => level)).toEqual(["ERROR", "WARN"]), { timeout: 5000 });
    await wakeUps.stop();
  });
});

async function run(count: number): Promise<Run> {
  await vi.waitFor(() => expect(runs).toHaveLength(count), { interval: 5 });
  const last = runs.at(-1);
  if (last === undefined) throw new Error("There was no run.");
  return last;
}

/** Lets the loop's wait of this length pass: at least `minMs` of it where time went by. */
async function pause(ms: number, minMs = ms): Promise<void> {
  await sleeps.end(20, 20);
  await sleeps.end(minMs, ms + JITTER_MS);
}
