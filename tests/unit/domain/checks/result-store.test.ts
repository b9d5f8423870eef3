import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JobResult } from "../../../../domain/checks/result.ts";
import { createResultStore } from "../../../../domain/checks/result-store.ts";
import { StillupError } from "../../../../runtime/errors.ts";

const away = new StillupError("database_unavailable", "The database is away.");
const refusal = new StillupError("database_error", "No.");

function result(monitorId: string): JobResult {
  const phases = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs: null };
  return {
    monitorId,
    revision: 1,
    seq: 1,
    dueAt: "2026-01-01T00:00:00Z",
    beganAt: 0,
    outcome: "ok",
    statusCode: 200,
    totalMs: 1,
    phases,
    detail: null,
  };
}

/** A store whose statements are written down, and end when the test says so. */
function setUp(answers: (Error | "ok")[] = []) {
  const statements: string[][] = [];
  const refused: string[] = [];
  const stop = new AbortController();
  let hold: Promise<void> | undefined;
  const store = createResultStore({
    signal: stop.signal,
    refused: (each) => refused.push(each.monitorId),
    store: async (results) => {
      statements.push(results.map((each) => each.monitorId));
      await hold;
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return [];
    },
  });
  const holdStatements = () => {
    let release = () => {};
    hold = new Promise((resolve) => {
      release = () => {
        hold = undefined;
        resolve();
      };
    });
    return () => release();
  };
  return { store, statements, refused, stop, holdStatements };
}

describe("storing the results of one call", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("sends an urgent result at once, without those that can wait", async () => {
    const { store, statements } = setUp();
    store.add(result("quiet"), 10_000);
    store.add(result("urgent"), 0);
    await vi.advanceTimersByTimeAsync(0);
    expect(statements).toEqual([["urgent"]]);
    await store.finish();
    expect(statements).toEqual([["urgent"], ["quiet"]]);
  });

  it("keeps the earliest bound of those that wait, and sends all together", async () => {
    const { store, statements } = setUp();
    store.add(result("a"), 10_000);
    store.add(result("b"), 2000);
    store.add(result("c"), 5000);
    await vi.advanceTimersByTimeAsync(1999);
    expect(statements).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(statements).toEqual([["a", "b", "c"]]);
  });

  it("gathers what becomes urgent while a statement is under way", async () => {
    const { store, statements, holdStatements } = setUp();
    const release = holdStatements();
    store.add(result("a"), 0);
    store.add(result("b"), 0);
    store.add(result("c"), 0);
    await vi.advanceTimersByTimeAsync(0);
    release();
    await store.finish();
    expect(statements).toEqual([["a"], ["b", "c"]]);
  });

  it("waits for nothing once the process is to stop", async () => {
    const { store, statements, stop } = setUp();
    stop.abort();
    store.add(result("a"), 10_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(statements).toEqual([["a"]]);
  });

  it("waits for a database that is away and loses nothing", async () => {
    const { store, statements } = setUp([away, away, "ok"]);
    store.add(result("a"), 0);
    const finished = store.finish();
    await vi.advanceTimersByTimeAsync(2000);
    await finished;
    expect(statements).toEqual([["a"], ["a"], ["a"]]);
  });

  it("gives up on a database that stays away, so that the entry comes again", async () => {
    const { store } = setUp(Array(20).fill(away));
    store.add(result("a"), 0);
    const finished = expect(store.finish()).rejects.toBe(away);
    await vi.advanceTimersByTimeAsync(60_000);
    await finished;
  });

  it("does not wait for a database that is away once the process is to stop", async () => {
    const { store, statements, stop } = setUp(Array(20).fill(away));
    store.add(result("a"), 0);
    const finished = expect(store.finish()).rejects.toBe(away);
    await vi.advanceTimersByTimeAsync(0);
    stop.abort();
    await finished;
    expect(statements).toEqual([["a"]]);
  });

  it("stores the others when the database refuses one", async () => {
    const { store, statements, refused } = setUp([refusal, "ok", refusal, "ok"]);
    store.add(result("a"), 1000);
    store.add(result("bad"), 1000);
    store.add(result("c"), 1000);
    await store.finish();
    expect(statements).toEqual([["a", "bad", "c"], ["a"], ["bad"], ["c"]]);
    expect(refused).toEqual(["bad"]);
  });

  it("leaves no timer behind", async () => {
    const { store } = setUp();
    store.add(result("a"), 10_000);
    await store.finish();
    expect(vi.getTimerCount()).toBe(0);
  });
});
