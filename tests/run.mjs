// `npm test`: installs what is missing, then types, lint and all tests. `npm run test:compose`: the tests on containers,
// `npm run test:compose:external`: those on containers with Neon's and Upstash's emulators, `npm run test:compose:faults`:
// those on containers that have no room.
// `npm run test:hosts`: the cases of function hosts, each in its own runtime; it writes their table in docs/deploying.md.
// The last line is the sum of it all. Plain Node: nothing is installed yet when this runs.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureInstalled } from "../local/install.mjs";

/** @import { JsonTestResults } from "vitest/node" */

const root = join(import.meta.dirname, "..");
const npx = (/** @type {string} */ name) => join(root, "node_modules/.bin", name);
const sum = { passed: 0, failed: 0, skipped: 0 };

ensureInstalled();
const [, , suite = ""] = process.argv;
if (["compose", "external", "faults"].includes(suite)) {
  vitest("--config", "tests/compose/vitest.config.ts", `tests/compose/${suite}.test.ts`);
} else if (suite === "hosts") {
  const results = vitest("--config", "tests/conformance/vitest.config.ts");
  // Not imported before: it needs what is installed.
  await (await import("./conformance/table.mjs")).writeTable(results);
} else {
  step("types", npx("tsc"), ["--noEmit"]);
  step("lint", npx("biome"), ["check", "."]);
  step("build", process.execPath, ["build.mjs"]);
  vitest();
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 ? 0 : 1;

/**
 * One step that counts as one test.
 * @param {string} name
 * @param {string} command
 * @param {readonly string[]} args
 */
function step(name, command, args) {
  console.log(`\n> ${name}`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  sum[status === 0 ? "passed" : "failed"] += 1;
}

/**
 * Counts every test by itself, and names those that were skipped. Returns the results of each file.
 * @param {string[]} args
 */
function vitest(...args) {
  const folder = mkdtempSync(join(tmpdir(), "stillup-vitest-"));
  const report = join(folder, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  console.log("\n> tests");
  const { status } = spawnSync(npx("vitest"), ["run", ...reporters, ...args], { cwd: root, stdio: "inherit" });
  /** @type {JsonTestResults} */
  const { numPassedTests, numPendingTests, numTodoTests, numTotalTests, testResults } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  rmSync(folder, { recursive: true });
  const skipped = numPendingTests + numTodoTests;
  const failed = numTotalTests - numPassedTests - skipped;
  sum.passed += numPassedTests;
  sum.skipped += skipped;
  // A file that cannot be loaded, or an error outside of any test, has no test to count.
  sum.failed += failed === 0 && status !== 0 ? 1 : failed;
  const names = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter((result) => ["skipped", "pending", "todo"].includes(result.status))
    .map(({ fullName }) => `  ${fullName}`);
  if (names.length > 0) console.log(`Skipped:\n${names.join("\n")}\n`);
  return testResults;
}
