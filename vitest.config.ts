import { availableParallelism } from "node:os";
import { defineConfig, type Plugin } from "vitest/config";
import { packedOpenApi } from "./build/project.mjs";

/** What build.mjs does for `virtual:openapi`, for tests that import the sources. */
const openApi: Plugin = {
  name: "virtual:openapi",
  resolveId: (id) => (id === "virtual:openapi" ? `\0${id}` : undefined),
  load: async (id) =>
    id === "\0virtual:openapi" ? `export default ${JSON.stringify(await packedOpenApi())}` : undefined,
};

export default defineConfig({
  plugins: [openApi],
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: ["tests/conformance/**", "tests/compose/**"],
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
