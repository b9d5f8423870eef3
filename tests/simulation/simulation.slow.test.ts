import { describe, expect, it } from "vitest";
import { faultKinds, points } from "./faults.ts";
import type { Summary } from "./report.ts";
import { simulate } from "./run-simulate.ts";

describe("the simulation at length", { timeout: 600_000 }, () => {
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
});
