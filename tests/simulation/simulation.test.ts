import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { Summary } from "./report.ts";

const root = join(import.meta.dirname, "../..");

it("every invariant holds in 40 runs", { timeout: 120_000 }, async () => {
  const args = ["tests/simulation/simulate.mjs", "--runs", "40", "--seed", "1", "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root }).catch((error) => error);
  const { runs, faultsInAll, failed } = JSON.parse(stdout) as Summary;
  expect(failed).toEqual([]);
  expect(runs).toBe(40);
  expect(faultsInAll).toBeGreaterThan(100);
});
