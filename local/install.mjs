// What a fresh clone needs before anything else can run. Plain Node: nothing is installed yet when this runs.
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Stillup needs Node 20.19 or later, but this is ${process.versions.node}.`);
  process.exit(1);
}

const root = join(import.meta.dirname, "..");

/**
 * When a file was last changed, in milliseconds since 1970; 0 when there is no such file.
 * @param {string} path
 */
function changedAt(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Installs the packages when they are missing or older than the lockfile. Ends the process when that fails. */
export function ensureInstalled() {
  // npm writes it last, so an unfinished install is done again.
  if (changedAt("node_modules/.package-lock.json") >= changedAt("package-lock.json")) return;
  runStep("Installing packages", "npm", ["ci", "--no-audit", "--no-fund"]);
}

/** What a build reads. */
const sources = ["functions", "domain", "runtime", "local", "migrations", "build", "package-lock.json"];

/** Builds when a source is newer than what was built last. Ends the process when that fails. */
export function ensureBuilt() {
  // The manifest is written last, so an unfinished build is done again.
  if (changedAt("dist/manifest.json") < newest(sources)) runStep("Building", process.execPath, ["build.mjs"]);
}

/** @param {readonly string[]} paths */
function newest(paths) {
  const times = paths.map((path) => {
    const inside = path.includes(".") ? [] : readdirSync(join(root, path), { recursive: true, encoding: "utf8" });
    return Math.max(changedAt(path), ...inside.map((name) => changedAt(join(path, name))));
  });
  return Math.max(...times);
}

/**
 * Runs a step. If it fails, prints what it printed and ends the process with 1.
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 */
function runStep(title, command, args) {
  process.stderr.write(`${title} ... `);
  const startedAt = performance.now();
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  if (status === 0) {
    process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
    return;
  }
  process.stderr.write(`failed\n${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}\n`);
  process.exit(1);
}
