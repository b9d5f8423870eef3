import { describe, expect, it } from "vitest";
import { type Summary, table } from "./report.ts";
import { simulate } from "./run-simulate.ts";

describe("the simulation", { timeout: 600_000 }, () => {
  it("finds every invariant held in 10 runs", async () => {
    const { stdout, code } = await simulate("--runs", "10", "--seed", "1", "--json");
    const { failed, runs, faultsInAll, alerts } = JSON.parse(stdout) as Summary;
    expect(failed).toEqual([]);
    expect([code, runs]).toEqual([0, 10]);
    expect(faultsInAll).toBeGreaterThan(50);
    expect(alerts).toBeGreaterThan(10);
  });

  it("refuses arguments that make no sense, and says which do", async () => {
    const { code, stderr } = await simulate("--runs", "many");
    expect([code, stderr]).toEqual([2, expect.stringContaining("--runs")]);
  });

  it("reports a failed run's seed, its violations and its shortest list of commands", () => {
    const { failed: _, ...summary } = emptySummary;
    const violations = [{ invariant: "A result counts once" as const, what: "probe 3 was stored again" }];
    const commands = [{ do: "lose streams" as const, afterMs: 20 }];
    const text = table({ ...summary, failed: [{ ...emptyRun, seed: 77, violations, commands }] });
    expect(text).toContain("NO   A result counts once");
    expect(text).toContain("npm run simulate -- --runs 1 --seed 77");
    expect(text).toContain("probe 3 was stored again");
    expect(text).toContain('{"do":"lose streams","afterMs":20}');
  });
});

const emptyRun = { faults: {}, reached: [], simulatedMs: 0, alerts: 0, extraPosts: 0 };
const emptySummary: Summary = {
  seed: 1,
  runs: 1,
  faults: {},
  faultsInAll: 0,
  reached: [],
  alerts: 0,
  extraPosts: 0,
  simulatedHours: 0,
  seconds: 1,
  failed: [],
};
