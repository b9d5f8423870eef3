import { availableParallelism } from "node:os";
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

/** `quick` is what `npm test` runs; `slow`, by the end of the file name, is for `npm run test:all`. */
export default defineConfig({
  plugins: [openApi],
  test: {
    projects: [
      { extends: true, test: { name: "quick", include: ["tests/**/*.test.ts"], exclude: [SLOW, ...ELSEWHERE] } },
      { extends: true, test: { name: "slow", include: [SLOW], exclude: ELSEWHERE } },
    ],
    setupFiles: ["testing/leaks.ts"],
    // A process for each file: some of them send signals, and all of them look for what they left behind.
    pool: "forks",
    // Half of the time is waiting, so two at once on the smallest machine, too.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    reporters: [["default", { summary: false }]],
  },
});
