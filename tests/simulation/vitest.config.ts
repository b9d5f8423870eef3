import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { defineConfig, type Plugin } from "vitest/config";
import { bugs, editorOf } from "./bugs.ts";

const root = join(import.meta.dirname, "../..");
const name = process.env["STILLUP_BUG"];
const bug = bugs.find((each) => each.name === name);
if (bug === undefined) throw new Error(`STILLUP_BUG names no bug: ${name}`);
const { edit } = editorOf(bug);

/** Loads the sources with the bug in them. */
const seeded: Plugin = {
  name: "seeded-bug",
  enforce: "pre",
  async load(id) {
    const path = relative(root, id).split(sep).join("/");
    if (!bug.edits.some(({ file }) => file === path)) return undefined;
    return edit(path, await readFile(id, "utf8"));
  },
};

/** Runs the tests that are to notice a bug. */
export default defineConfig({
  root,
  plugins: [seeded],
  test: { include: ["tests/**/*.test.ts"], pool: "forks", testTimeout: 30_000, hookTimeout: 60_000 },
});
