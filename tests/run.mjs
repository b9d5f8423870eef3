// Runs tests and ends with the line `N passed, N failed, N skipped`. Plain Node: nothing is installed yet when this runs.
//   npm test             types, lint, build and the quick tests
//   npm run test:unit    the unit tests
//   npm run test:all     what npm test leaves out: the slow tests, function hosts, and containers where Docker runs
//   npm run test:slow, test:hosts, test:compose, test:compose:upgrade, :external, :faults   one part of test:all
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureInstalled } from "../local/install.mjs";

/** @import { JsonTestResults } from "vitest/node" */

const root = join(import.meta.dirname, "..");
const npx = (/** @type {string} */ name) => join(root, "node_modules/.bin", name);
const sum = { passed: 0, failed: 0, skipped: 0 };
const MINUTE_MS = 60_000;

/** @type {Record<string, () => void | Promise<void>>} */
const suites = {
  quick() {
    step("types", npx("tsc"), ["--noEmit"]);
    step("lint", npx("biome"), ["check", "."]);
    step("build", process.execPath, ["build.mjs"]);
    vitest(15, "--project", "quick*");
  },
  unit: () => void vitest(15, "--project", "quick*", "tests/unit"),
  slow() {
    step("build", process.execPath, ["build.mjs"]);
    vitest(25, "--project", "slow");
  },
  async hosts() {
    const results = vitest(15, "--config", "tests/conformance/vitest.config.ts");
    // Not imported before: it needs what is installed.
    if (results.length > 0) await (await import("./conformance/table.mjs")).writeTable(results);
  },
  compose: () => containers("compose", 8),
  upgrade: () => containers("upgrade", 8),
  external: () => containers("external", 10),
  faults: () => containers("faults", 8),
  async all() {
    await suites["slow"]?.();
    await suites["hosts"]?.();
    const onDocker = ["compose", "upgrade", "external", "faults"];
    if (hasDocker()) for (const name of onDocker) await suites[name]?.();
    else {
      console.log("\nSkipped: test:compose, :upgrade, :external and :faults, because no Docker answers.");
      sum.skipped += onDocker.length;
    }
  },
};

const [, , name = "quick"] = process.argv;
const suite = suites[name];
if (suite === undefined) {
  console.error(`There is no suite ${name}. Choose one of ${Object.keys(suites).join(", ")}.`);
  process.exit(2);
}
ensureInstalled();
await suite();
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 ? 0 : 1;

function hasDocker() {
  const answers = (/** @type {string[]} */ args) =>
    spawnSync("docker", args, { stdio: "ignore", timeout: 20_000 }).status === 0;
  return answers(["info"]) && answers(["compose", "version"]);
}

/**
 * The tests of a file are steps on one running stack.
 * @param {string} file
 * @param {number} minutes
 */
function containers(file, minutes) {
  vitest(minutes, "--config", "tests/compose/vitest.config.ts", `tests/compose/${file}.test.ts`);
}

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
 * Counts every test by itself, and names those that were skipped. Returns the results of each file. After `minutes` it is
 * ended, which counts as one failure.
 * @param {number} minutes
 * @param {string[]} args
 */
function vitest(minutes, ...args) {
  const folder = mkdtempSync(join(tmpdir(), "stillup-vitest-"));
  const report = join(folder, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  console.log("\n> tests");
  const { status } = spawnSync(npx("vitest"), ["run", ...reporters, ...args], {
    cwd: root,
    stdio: "inherit",
    timeout: minutes * MINUTE_MS,
    killSignal: "SIGKILL",
  });
  if (!existsSync(report)) {
    console.log(`The tests ended without a report, or took longer than ${minutes} minutes.`);
    sum.failed += 1;
    return [];
  }
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
