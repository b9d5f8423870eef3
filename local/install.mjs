// What a fresh clone needs before anything else can run. Plain Node: nothing is installed yet when this runs.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Stillup needs Node 20.19 or later, and this is ${process.versions.node}.`);
  process.exit(1);
}

const root = join(import.meta.dirname, "..");

/** When a file was last changed, in milliseconds since 1970; 0 when it is not there. */
export function changedAt(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Installs the packages when they are missing or older than the lockfile. Ends the process when that fails. */
export function ensureInstalled() {
  // npm writes it last, so an install that was broken off is done again.
  if (changedAt("node_modules/.package-lock.json") >= changedAt("package-lock.json")) return;
  runStep("Installing packages", "npm", ["ci", "--no-audit", "--no-fund"]);
}

/** Runs a step, and shows what it printed only if it fails; then the process ends with 1. */
export function runStep(title, command, args) {
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
