import { expect, test } from "vitest";
import { figuresOf } from "./figures.ts";
import { type Figures, failures, markdown, table } from "./report.ts";
import type { ModeRun } from "./run-mode.ts";
import type { Fault, Post, Turn } from "./story.ts";

const turns: Turn[] = [
  { monitorId: "mon_1", status: "down", atMs: 1000, noticed: true },
  { monitorId: "mon_1", status: "up", atMs: 9000, noticed: true },
];
const faults: Fault[] = [
  { kind: "SIGKILL api", breaksRecording: "never", beganMs: 1500, struckMs: 1600, endedMs: 2000 },
  { kind: "SIGKILL api", breaksRecording: "never", beganMs: 8000, struckMs: 8100, endedMs: 8500 },
];
const post = { receiver: "steady", monitorId: "mon_1", spell: "inc_1", manner: null };
const ledger: Post[] = [
  { ...post, id: "dlv_2", type: "monitor.down", atMs: 4000, takenAtMs: 4001 },
  { ...post, id: "dlv_3", type: "monitor.up", atMs: 9500, takenAtMs: 9501 },
];

function runWith(change: Partial<ModeRun["evidence"]> = {}): ModeRun {
  const stored = {
    changes: turns.map(({ monitorId, status, atMs }, index) => ({ monitorId, status, version: index + 2, atMs })),
    deliveries: ledger.map(({ id }) => ({ id, eventId: `evt_${id}`, status: "delivered" })),
    incidents: [{ monitorId: "mon_1", resolution: "recovered" }],
    connectivity: [],
    connectivityChanges: 0,
    unknownChecks: 0,
    deadLetters: 0,
  };
  const receiversOf = new Map([["mon_1", ["steady"]]]);
  const evidence = { receiversOf, systemReceiver: "steady", turns, faults, ledger, stored, ...change };
  return { evidence, notInjected: 4, checks: 7, settledMs: 1200, versions: { postgres: "17.1", redis: "8.0.0" } };
}

function figuresWith(change?: Partial<ModeRun["evidence"]>): Figures {
  const versions = { docker: "28.0.0", compose: "2.30.0" };
  const machine = {
    date: "2026-11-22",
    processor: "2 x P (x64)",
    memoryGb: 8,
    system: "Linux 6",
    commit: "abc",
    ...versions,
  };
  return { machine, minutes: 18, seed: 1, modes: [figuresOf("local", runWith(change))] };
}

test("The figures count faults by kind, time alerts from the change of the target, and recovery from the end of the fault", () => {
  expect(figuresOf("local", runWith())).toMatchObject({
    faults: { "SIGKILL api": 2 },
    faultCount: 2,
    notified: { count: 2, p50: 500, max: 3000 },
    longestRecoveryMs: 2000,
  });
});

test("A run without fault says so, with what its number of faults proves", () => {
  const document = markdown(figuresWith());
  expect(document).toContain("Nothing was lost and nothing was duplicated under 2 faults.");
  expect(document).toContain("150.00 %");
  expect(document).toContain("| SIGKILL api | 2 |");
  expect(failures(figuresWith())).toEqual([]);
});

test("A run that lost something says what, in the document as in its end", () => {
  const figures = figuresWith({ ledger: ledger.slice(0, 1) });
  expect(failures(figures)).toEqual(["local: 1 alerts were lost."]);
  expect(markdown(figures)).toContain("- local: 1 alerts were lost.");
  expect(markdown(figures)).not.toContain("Nothing was lost");
  expect(markdown(figures)).not.toContain("none cost or doubled");
  expect(table(figures)).toMatch(/^alerts lost +1$/m);
});

test("A run that could break nothing does not pass, and says how often it tried", () => {
  const figures = figuresWith({ faults: [] });
  expect(failures(figures)).toEqual(["local: No fault was injected."]);
  expect(markdown(figures)).not.toContain("Nothing was lost");
  expect(table(figures)).toMatch(/^faults that could not be injected +4$/m);
});
