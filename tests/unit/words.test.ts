import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Words that this project replaced by the field's own. The brackets keep this file from matching itself. */
const REPLACED = /set.?a[p]art|[s]ighted|\b[b]ells?\b|\b[m]end(ed|s)?\b|stand[-]in/i;

/** The changelog names the words of earlier commits. */
const EXCLUDED = ["CHANGELOG.md"];

/** Written by programs, or not part of the source. */
const IGNORED = /(^|\/)(node_modules|dist|coverage|\.git|\.data)(\/|$)|^package-lock\.json$|\.log$/;

test("no file contains a word that was replaced", () => {
  const files = filesUnder("").filter((file) => !EXCLUDED.some((excluded) => file.startsWith(excluded)));
  expect(files).toEqual(expect.arrayContaining(["biome.json", "local/server.ts", "local/emulators/compose.yml"]));
  expect(files.flatMap((file) => findWords(file, readFileSync(join(root, file), "utf8")))).toEqual([]);
});

test("a replaced word is found in any case, with its file and line", () => {
  const broken = "se!t apart, Se!t-Apart, se!tApart, sigh!ted, be!ll, be!lls, men!d, men!ded, stan!d-ins";
  const words = broken.replaceAll("!", "").split(", ");
  const text = ["rebellion, amendment, a set, apart from that, mending, stand in for", ...words].join("\n");
  expect(findWords("a.ts", text)).toEqual(words.map((word, at) => `a.ts:${at + 2}: ${word}`));
});

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder))
    .map((name) => join(folder, name))
    .filter((path) => !IGNORED.test(path))
    .flatMap((path) => (statSync(join(root, path)).isDirectory() ? filesUnder(path) : [path]));
}

function findWords(file: string, text: string): string[] {
  return text
    .split("\n")
    .map((line, at) => (REPLACED.test(line) ? `${file}:${at + 1}: ${line.trim()}` : ""))
    .filter((found) => found !== "");
}
