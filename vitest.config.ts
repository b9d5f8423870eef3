import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    setupFiles: ["tests/support/leaks.ts"],
    // A process for each file: some of them send signals, and all of them look for what they left behind.
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: [["default", { summary: false }]],
  },
});
