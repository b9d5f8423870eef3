// `npm start`: makes a clone ready, then runs everything in this process. With --watch (`npm run dev`) it builds and
// starts anew after each change. Plain Node: nothing is installed yet when this runs.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { changedAt, ensureInstalled, runStep } from "./install.mjs";

const sources = ["functions", "domain", "runtime", "local", "migrations", "build.mjs", "package-lock.json"];

ensureInstalled();
if (process.argv.includes("--watch")) {
  const { develop } = await import("./develop.mjs");
  develop();
} else {
  // The manifest is written last, so a build that was broken off is done again.
  if (changedAt("dist/manifest.json") < newest(sources)) runStep("Building", process.execPath, ["build.mjs"]);
  process.argv.splice(2, 0, "all");
  await import("../dist/local/main.mjs");
}

function newest(paths) {
  const root = join(import.meta.dirname, "..");
  const times = paths.map((path) => {
    const inside = path.includes(".") ? [] : readdirSync(join(root, path), { recursive: true });
    return Math.max(changedAt(path), ...inside.map((name) => changedAt(join(path, name))));
  });
  return Math.max(...times);
}
