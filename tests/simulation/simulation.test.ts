import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { faultKinds, points } from "./faults.ts";
import { type Summary, table } from "./report.ts";

const root = join(import.meta.dirname, "../..");

/** What `npm run simulate` says with these arguments. */
async function simulate(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = [join(root, "tests/simulation/simulate.mjs"), ...args];
  return promisify(execFile)(process.execPath, command, { cwd: root }).then(
    (ended) => ({ ...ended, code: 0 }),
    (ended) => ended,
  );
}

describe("the simulation", { timeout: 600_000 }, () => {
  it("finds every invariant held in 60 runs", async () => {
    const { stdout, code } = await simulate("--runs", "60", "--seed", "1", "--json");
    const { failed, runs, faults, faultsInAll, reached, alerts } = JSON.parse(stdout) as Summary;
    expect(failed).toEqual([]);
    expect([code, runs]).toEqual([0, 60]);
    expect(faultsInAll).toBeGreaterThan(500);
    expect(alerts).toBeGreaterThan(100);
    expect(faultKinds.filter((kind) => faults[kind] === undefined)).toEqual([]);
    // Each statement of a worker is known by its text, or nothing could be injected there.
    expect(reached).toEqual(points.filter((point) => point !== "other statement"));
  });

  it("makes the same run of the same seed, whatever was run before", async () => {
    const results = await Promise.all(
      ["1", "2"].map(async (processes) => {
        const { stdout } = await simulate("--seed", "100", "--runs", "8", "--processes", processes, "--json");
        return { ...(JSON.parse(stdout) as Summary), seconds: 0 };
      }),
    );
    expect(results[0]).toEqual(results[1]);
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
