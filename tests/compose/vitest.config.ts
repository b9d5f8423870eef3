import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["tests/compose/*.test.ts"],
    // The tests of a file are steps on one running stack, in their order: after one that fails the rest means nothing.
    bail: 1,
    testTimeout: 120_000,
    hookTimeout: 600_000,
    reporters: [["default", { summary: false }]],
  },
});
