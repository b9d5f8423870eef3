import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { build } from "../build/project.mjs";

const cache = join(import.meta.dirname, "../node_modules/.cache/stillup");

/**
 * Builds the project once for a test file; the function that comes back tells the folder. It is inside node_modules, so
 * that the packages which stay outside of bundles are found.
 */
export function useDist(): () => string {
  let folder = "";
  beforeAll(async () => {
    await mkdir(cache, { recursive: true });
    folder = await mkdtemp(join(cache, "dist-"));
    await build({ outDir: folder });
  });
  afterAll(() => rm(folder, { recursive: true }));
  return () => folder;
}
