import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bugs, editorOf } from "./bugs.ts";
import { judge } from "./hunt.ts";

const root = join(import.meta.dirname, "../..");

describe("a seeded bug", () => {
  it.each(bugs)("still fits the source: $name", async (bug) => {
    const { edit, unused } = editorOf(bug);
    for (const { file } of bug.edits) edit(file, await readFile(join(root, file), "utf8"));
    expect(unused()).toEqual([]);
  });

  describe("that a test is to notice", () => {
    const by = { test: "a.test.ts", by: "nothing is lost", needs: "redis" } as const;
    const resultOf = (status: string, failure?: string, title = "nothing is lost twice") => {
      const failureMessages = failure === undefined ? [] : [failure];
      const assertionResults = [{ status, title, failureMessages }];
      return judge({ testResults: [{ status, message: "it does not load", assertionResults }] }, by);
    };

    it("is caught where something else than expected came out of that test, and not where it passes", () => {
      expect(resultOf("failed", "AssertionError: expected 1 to be 2").outcome).toBe("caught");
      expect(resultOf("passed").outcome).toBe("not caught");
    });

    it("is skipped where that test was", () => {
      expect(resultOf("skipped")).toEqual({ outcome: "skipped", by: "a.test.ts has no redis here" });
    });

    it("throws where that test failed otherwise, another failed, the file did not load, or nothing has that title", () => {
      const otherwise = 'not what it expects where it says "nothing is lost"';
      expect(() => resultOf("failed", "ReferenceError: no such name")).toThrow(otherwise);
      expect(() => resultOf("failed", "AssertionError: expected 1 to be 2", "another")).toThrow(otherwise);
      const unloaded = { status: "failed", message: "no such file", assertionResults: [] };
      expect(() => judge({ testResults: [unloaded] }, by)).toThrow("no such file");
      expect(() => resultOf("passed", undefined, "another")).toThrow('has no test that says "nothing is lost"');
    });
  });
});
