import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["tests/conformance/**/*.test.ts"],
    setupFiles: ["testing/leaks.ts"],
    pool: "forks",
    testTimeout: 120_000,
    // The runtimes are installed in one, which takes minutes the first time.
    hookTimeout: 600_000,
    reporters: [["default", { summary: false }]],
  },
});
