import { access, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll } from "vitest";
import { build } from "../build/project.mjs";

const cache = join(import.meta.dirname, "../node_modules/.cache/stillup");

/**
 * The built project, for tests that only read it. It is built once for a run of vitest, and returned as a function that
 * names the folder. The folder is inside node_modules, where the packages that stay outside of bundles are found.
 */
export function useDist(): () => string {
  let folder = "";
  beforeAll(async () => {
    folder = await sharedDist();
  });
  return () => folder;
}

/** Two test files that begin together may both build it; the first one's is used. The next run removes it. */
async function sharedDist(): Promise<string> {
  const folder = join(cache, `dist-${process.ppid}`); // a test file's parent process is the run
  if (await isThere(folder)) return folder;
  await mkdir(cache, { recursive: true });
  await removeOld();
  const own = await mkdtemp(join(cache, "building-"));
  await build({ outDir: own });
  await rename(own, folder).catch(() => rm(own, { recursive: true }));
  return folder;
}

async function removeOld(): Promise<void> {
  for (const name of await readdir(cache)) {
    const [, pid] = /^dist-(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(cache, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
