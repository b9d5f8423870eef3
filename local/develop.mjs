// `npm run dev`: runs everything in one process, and builds and starts it again after each change.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
// biome-ignore-start lint/style/noRestrictedImports: this is the command that builds again and again; no bundle has it.
import { build } from "../build/project.mjs";
import { watchSources } from "../build/watch.mjs";

// biome-ignore-end lint/style/noRestrictedImports: as above.

/** @import { ChildProcess } from "node:child_process" */

const main = join(import.meta.dirname, "../dist/local/main.mjs");

/** Runs until it is stopped. If a build fails, it prints why, and what ran before goes on. */
export function develop() {
  /** @type {ChildProcess | null} */
  let child = null;
  let stopping = false;

  const reload = async () => {
    try {
      await build();
    } catch (error) {
      console.error(`The build failed.\n${error instanceof Error ? error.message : error}`);
      return;
    }
    await stop(child);
    if (!stopping) child = spawn(process.execPath, [main, "all"], { stdio: "inherit" });
  };
  const unwatch = watchSources(reload);
  const end = async () => {
    stopping = true;
    unwatch();
    await stop(child);
    process.exit(0);
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
}

/** @param {ChildProcess | null} child */
async function stop(child) {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
