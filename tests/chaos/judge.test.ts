import { describe, expect, test } from "vitest";
import { complaints, type Evidence, judge } from "./judge.ts";
import type { Fault, Post, Turn } from "./story.ts";

const down: Turn = { monitorId: "mon_1", status: "down", atMs: 1000, noticed: true };
const up: Turn = { monitorId: "mon_1", status: "up", atMs: 9000, noticed: true };

function post(id: string, type: string, atMs: number, change: Partial<Post> = {}): Post {
  const taken = { id, type, atMs, takenAtMs: atMs + 1, receiver: "a", monitorId: "mon_1", spell: "inc_1" };
  return { ...taken, manner: null, ...change };
}
const notifiedDown = post("dlv_2", "monitor.down", 2000);
const notifiedUp = post("dlv_3", "monitor.up", 10_000);

/** A run in which one target went down and came up, and its one receiver was notified of both. */
const flawless: Evidence = {
  receiversOf: new Map([["mon_1", ["a"]]]),
  systemReceiver: "a",
  turns: [down, up],
  stored: {
    changes: [
      { monitorId: "mon_1", version: 2, status: "down", atMs: 1500 },
      { monitorId: "mon_1", version: 3, status: "up", atMs: 9500 },
    ],
    deliveries: [
      { id: "dlv_2", eventId: "evt_2", status: "delivered" },
      { id: "dlv_3", eventId: "evt_3", status: "delivered" },
    ],
    incidents: [{ monitorId: "mon_1", resolution: "recovered" }],
    connectivity: [],
    connectivityChanges: 0,
    unknownChecks: 0,
    deadLetters: 0,
  },
  ledger: [notifiedDown, notifiedUp],
  faults: [{ kind: "SIGKILL api", breaksRecording: "never", beganMs: 0, struckMs: 100, endedMs: 200 }],
};
const complaintsOf = (change: Partial<Evidence>) => complaints(judge({ ...flawless, ...change }));
const stored = (change: Partial<Evidence["stored"]>) => ({ stored: { ...flawless.stored, ...change } });

describe("A run of chaos", () => {
  test("passes when each change of a target was stored and notified once, in order", () => {
    expect(complaintsOf({})).toEqual([]);
    expect(judge(flawless)).toMatchObject({ changes: { expected: 2 }, alerts: { expected: 2 }, extra: { posts: 0 } });
  });

  test("does not pass without faults, without changes of targets, or without webhooks", () => {
    expect(complaintsOf({ faults: [] })).toEqual(["No fault was injected."]);
    const nothing = { turns: [], ledger: [], ...stored({ changes: [], deliveries: [], incidents: [] }) };
    expect(complaintsOf(nothing)).toEqual(["No target turned.", "No webhook came."]);
  });

  test("is not deceived by an alert that came before its target turned", () => {
    const [first, second] = flawless.stored.changes;
    if (first === undefined || second === undefined) throw new Error("It has two.");
    const changes = [{ ...first, atMs: 900 }, second];
    const ledger = [{ ...notifiedDown, atMs: 950, takenAtMs: 951 }, notifiedUp];
    expect(complaintsOf({ ...stored({ changes }), ledger })).toEqual([
      "1 changes of status were lost.",
      "1 changes of status were invented.",
      "1 alerts were lost.",
      "1 alerts were invented.",
    ]);
    const refused = { ...notifiedDown, atMs: 950, takenAtMs: null };
    expect(complaintsOf({ ledger: [refused, notifiedDown, notifiedUp] })).toEqual([
      "1 alerts were lost.",
      "1 alerts were invented.",
    ]);
  });

  test("does not set an alert that was invented off against one that was lost", () => {
    const early = post("dlv_4", "monitor.up", 8000, { spell: "inc_2" });
    const deliveries = [...flawless.stored.deliveries, { id: "dlv_4", eventId: "evt_4", status: "delivered" }];
    expect(complaintsOf({ ...stored({ deliveries }), ledger: [notifiedDown, early] })).toEqual([
      "1 alerts were lost.",
      "1 alerts were invented.",
    ]);
  });

  test("counts a change of a target that had no effect as lost", () => {
    expect(complaintsOf({ turns: [down, up, { ...down, noticed: false }] })).toEqual([
      "1 changes of status were lost.",
    ]);
  });

  test("counts a change of a target that is no longer stored as lost", () => {
    expect(complaintsOf(stored({ changes: flawless.stored.changes.slice(0, 1) }))).toEqual([
      "1 changes of status were lost.",
    ]);
  });

  test("counts a status change without a change of its target as invented, and its alert too", () => {
    const [first, second] = flawless.stored.changes;
    const changes = [first, second, { monitorId: "mon_1", version: 4, status: "down", atMs: 10_500 }].filter(
      (each) => each !== undefined,
    );
    const again = post("dlv_4", "monitor.down", 11_000, { spell: "inc_2" });
    const deliveries = [...flawless.stored.deliveries, { id: "dlv_4", eventId: "evt_4", status: "delivered" }];
    expect(complaintsOf({ ...stored({ changes, deliveries }), ledger: [notifiedDown, notifiedUp, again] })).toEqual([
      "1 changes of status were invented.",
      "1 alerts were invented.",
    ]);
  });

  test("takes what was unknown for a while as no change", () => {
    const statuses = ["unknown", "up", "down", "unknown", "down", "unknown", "up"];
    const changes = statuses.map((status, index) => ({
      monitorId: "mon_1",
      version: index + 2,
      status,
      atMs: status === "up" ? 9500 : 1500,
    }));
    expect(judge({ ...flawless, ...stored({ changes }) }).changes).toEqual({ expected: 2, lost: 0, invented: 0 });
  });

  test("must have notified that it was offline when it stored unknown results", () => {
    expect(complaintsOf(stored({ unknownChecks: 1 }))).toEqual(["1 changes of connectivity are wrong."]);
    const unknown = { monitorId: "mon_1", version: 4, status: "unknown", atMs: 9600 };
    expect(complaintsOf(stored({ changes: [...flawless.stored.changes, unknown] }))).toEqual([
      "1 changes of connectivity are wrong.",
    ]);
  });

  test("must have notified each change of connectivity that it decided", () => {
    expect(complaintsOf(stored({ connectivityChanges: 2 }))).toEqual([
      "2 alerts were lost.",
      "2 changes of connectivity are wrong.",
    ]);
  });

  test("compares the notifications about connectivity with those that were due", () => {
    const deliveries = [
      ...flawless.stored.deliveries,
      { id: "dlv_s1", eventId: "evt_s1", status: "delivered" },
      { id: "dlv_s2", eventId: "evt_s2", status: "delivered" },
    ];
    const system = { monitorId: "system", spell: "noon" };
    const offline = post("dlv_s1", "system.offline", 3000, system);
    const online = post("dlv_s2", "system.online", 4000, system);
    const offlineOnce = { connectivity: ["system.offline", "system.online"], connectivityChanges: 2 };
    const ledger = [...flawless.ledger, offline, online];
    expect(judge({ ...flawless, ...stored({ deliveries, ...offlineOnce }), ledger })).toMatchObject({
      offline: { spells: 1, wrong: 0 },
      alerts: { expected: 4, lost: 0 },
    });
    expect(complaintsOf({ ...stored({ deliveries, ...offlineOnce }), ledger: [...flawless.ledger, offline] })).toEqual([
      "1 alerts were lost.",
    ]);
    const half = { connectivity: ["system.offline"], connectivityChanges: 1 };
    expect(complaintsOf({ ...stored({ deliveries, ...half }), ledger: ledger.slice(0, 3) })).toEqual([
      "1 changes of connectivity are wrong.",
    ]);
  });

  test("misses an alert that the receiver never took", () => {
    const refused = { ...notifiedUp, takenAtMs: null };
    expect(complaintsOf({ ledger: [notifiedDown, refused] })).toEqual(["1 alerts were lost."]);
  });

  test("misses an alert at one receiver that the other one got", () => {
    const other = [post("dlv_2b", "monitor.down", 2000, { receiver: "b" })];
    const receiversOf = new Map([["mon_1", ["a", "b"]]]);
    const deliveries = [...flawless.stored.deliveries, { id: "dlv_2b", eventId: "evt_2", status: "delivered" }];
    const ledger = [...flawless.ledger, ...other];
    expect(complaintsOf({ ...stored({ deliveries }), receiversOf, ledger })).toEqual(["1 alerts were lost."]);
  });

  test("finds one event under two ids", () => {
    const twin = post("dlv_2x", "monitor.down", 2500, { spell: "inc_x" });
    const deliveries = [...flawless.stored.deliveries, { id: "dlv_2x", eventId: "evt_2", status: "delivered" }];
    expect(complaintsOf({ ...stored({ deliveries }), ledger: [notifiedDown, notifiedUp, twin] })).toEqual([
      "1 alerts were doubled.",
    ]);
  });

  test("finds one incident that was notified under two ids", () => {
    const twin = post("dlv_4", "monitor.up", 11_000);
    const deliveries = [...flawless.stored.deliveries, { id: "dlv_4", eventId: "evt_4", status: "delivered" }];
    expect(complaintsOf({ ...stored({ deliveries }), ledger: [notifiedDown, notifiedUp, twin] })).toEqual([
      "1 alerts were doubled.",
    ]);
  });

  test("finds alerts that came out of order", () => {
    expect(complaintsOf({ ledger: [notifiedUp, notifiedDown] })).toEqual(["1 alerts came out of order."]);
  });

  test("finds incidents that do not match the changes of the targets, deliveries that did not end well, and dead letters", () => {
    const deliveries = flawless.stored.deliveries.map((delivery) => ({ ...delivery, status: "exhausted" }));
    expect(
      complaintsOf(stored({ incidents: [{ monitorId: "mon_1", resolution: null }], deliveries, deadLetters: 1 })),
    ).toEqual(["1 incidents are wrong.", "2 deliveries did not end as delivered.", "1 dead letters were made."]);
  });
});

describe("A webhook that came again after it was taken", () => {
  const again = post("dlv_3", "monitor.up", 45_000);
  const times = { beganMs: 9900, struckMs: 10_100, endedMs: 14_000 };
  const fault: Fault = { kind: "SIGKILL worker-notification", breaksRecording: "at-once", ...times };
  const extraOf = (change: Partial<Evidence>) =>
    judge({ ...flawless, ledger: [notifiedDown, notifiedUp, again], ...change }).extra;

  test("is explained by a fault that broke its recording", () => {
    expect(extraOf({ faults: [fault] })).toEqual({ posts: 1, bound: 1, unexplained: 0, causes: 1 });
  });

  test("is not explained by a fault elsewhere, or at another time", () => {
    expect(extraOf({ faults: [{ ...fault, breaksRecording: "never" }] })).toMatchObject({ posts: 1, unexplained: 1 });
    const later = { beganMs: 20_000, struckMs: 20_100, endedMs: 21_000 };
    expect(extraOf({ faults: [{ ...fault, ...later }] })).toMatchObject({ unexplained: 1 });
    expect(complaintsOf({ ledger: [notifiedDown, notifiedUp, again] })).toEqual([
      "1 webhooks came again without a fault that explains it.",
    ]);
  });

  test("is explained by what lasted while it was answered only where that breaks recording throughout", () => {
    const before = { beganMs: 8000, struckMs: 8100, endedMs: 12_000 };
    expect(extraOf({ faults: [{ ...fault, ...before }] })).toMatchObject({ unexplained: 1 });
    expect(extraOf({ faults: [{ ...fault, ...before, breaksRecording: "throughout" }] })).toMatchObject({
      unexplained: 0,
    });
  });

  test("is explained by a receiver that did not end its answer", () => {
    const hung = { ...notifiedUp, manner: "2xx-then-hang" as const };
    expect(extraOf({ ledger: [notifiedDown, hung, again] })).toEqual({ posts: 1, bound: 1, unexplained: 0, causes: 1 });
  });

  test("does not count while it was never taken", () => {
    const refused = { ...notifiedUp, takenAtMs: null, manner: "500" as const };
    expect(extraOf({ ledger: [notifiedDown, refused, again] })).toEqual({
      posts: 0,
      bound: 0,
      unexplained: 0,
      causes: 0,
    });
  });
});
