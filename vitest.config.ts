import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vitest/config";
import { packedOpenApi } from "./build/project.mjs";

/** What the build does for `virtual:openapi`, for tests that import the sources. */
const openApi: Plugin = {
  name: "virtual:openapi",
  resolveId: (id) => (id === "virtual:openapi" ? `\0${id}` : undefined),
  load: async (id) =>
    id === "\0virtual:openapi" ? `export default ${JSON.stringify(await packedOpenApi())}` : undefined,
};

const SLOW = "tests/**/*.slow.test.ts";
/** These have a configuration of their own. */
const ELSEWHERE = ["tests/conformance/**", "tests/compose/**"];

/**
 * Tests of handlers share processes, and with them the database in memory: this takes a quarter off the time of
 * `npm test`. Not those that replace a module, which other files may have loaded before.
 */
const handlers = ["tests/unit/domain", "tests/unit/functions"]
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)))
  .filter((file) => file.endsWith(".test.ts") && !file.endsWith(".slow.test.ts"))
  .filter((file) => !readFileSync(file, "utf8").includes("vi.mock("));

/** `quick` and `quick-handlers` are what `npm test` runs; `slow`, by the end of the file name, is for `npm run test:all`. */
export default defineConfig({
  plugins: [openApi],
  test: {
    projects: [
      {
        extends: true,
        test: { name: "quick", include: ["tests/**/*.test.ts"], exclude: [SLOW, ...ELSEWHERE, ...handlers] },
      },
      { extends: true, test: { name: "quick-handlers", include: handlers, isolate: false } },
      { extends: true, test: { name: "slow", include: [SLOW], exclude: ELSEWHERE } },
    ],
    setupFiles: ["testing/leaks.ts"],
    // A process for each other file: some of them send signals. All files look for what they left behind.
    pool: "forks",
    // Half of the time is waiting, so two at once on the smallest machine, too.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    reporters: [["default", { summary: false }]],
  },
});
