import { expect, test } from "vitest";
import type { FaultKind, World } from "./fault-kind.ts";
import { inject, type Planned, plan } from "./inject.ts";
import { modes } from "./modes.ts";
import { createRandom } from "./random.ts";
import type { Fault } from "./story.ts";

const world = {} as World; // the kinds here touch nothing of it

function kind(name: string, parts: readonly string[], run: FaultKind["inject"]): FaultKind {
  return { name, weight: 1, parts, holdMs: [0, 0], breaksRecording: "never", inject: run };
}
const at = (kind: FaultKind): Planned => ({ kind, gapMs: 0, holdMs: 0, roll: 0 });

function take<T>(count: number, items: Iterator<T>): T[] {
  return Array.from({ length: count }, () => items.next().value as T); // it has no end
}

test.each(["local", "external"] as const)("The same seed plans the same faults of the %s mode", (mode) => {
  const planned = (seed: number) =>
    take(200, plan(modes[mode].kinds, createRandom(seed))).map(({ kind: { name }, ...draw }) => ({ name, ...draw }));
  expect(planned(7)).toEqual(planned(7));
  expect(planned(7)).not.toEqual(planned(8));
});

test.each(["local", "external"] as const)("Every kind of fault of the %s mode comes, by its weight", (mode) => {
  const { kinds } = modes[mode];
  const planned = take(5000, plan(kinds, createRandom(1)));
  const weights = kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const each of kinds) {
    const share = planned.filter(({ kind }) => kind === each).length / planned.length;
    expect(share / (each.weight / weights), each.name).toBeGreaterThan(0.5);
    expect(share / (each.weight / weights), each.name).toBeLessThan(2);
  }
});

test("Counts the faults that were injected, and reports those that were not", async () => {
  const faults: Fault[] = [];
  const failed: string[] = [];
  const planned = [
    at(kind("met", ["a"], async () => 1)),
    at(kind("met by nobody", ["b"], async () => 0)),
    at(kind("several", ["c"], async () => 3)),
    at(
      kind("impossible", ["d"], async () => {
        throw new Error("No such container");
      }),
    ),
  ];
  const stop = new AbortController();
  await inject({ world, planned, faults, failed: (name, error) => failed.push(`${name}: ${error}`) }, stop.signal);
  stop.abort();
  expect(faults.map((fault) => fault.kind)).toEqual(["met", "several", "several", "several"]);
  expect(failed).toEqual(["impossible: Error: No such container"]);
});

test("Breaks a part once at a time, and ends when everything is fixed", async () => {
  const stop = new AbortController();
  const begun: string[] = [];
  let fix = () => {};
  const fixed = new Promise<void>((resolve) => {
    fix = resolve;
  });
  const planned = [
    at(
      kind("first", ["a", "b"], async () => {
        begun.push("first");
        await fixed;
        return 1;
      }),
    ),
    at(
      kind("elsewhere", ["c"], async () => {
        begun.push("elsewhere");
        stop.abort();
        setImmediate(fix);
        return 1;
      }),
    ),
    at(
      kind("second", ["b"], async () => {
        begun.push("second");
        return 1;
      }),
    ),
  ];
  const faults: Fault[] = [];
  await inject({ world, planned, faults, failed: () => {} }, stop.signal);
  expect(begun).toEqual(["first", "elsewhere"]);
  expect(faults.map((fault) => fault.kind)).toEqual(["elsewhere", "first"]);
});
