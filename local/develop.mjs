// `npm run dev`: everything in one process, built and started anew once for each change.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { build, watchSources } from "../build.mjs";

const main = join(import.meta.dirname, "../dist/local/main.mjs");

/** Runs until it is stopped. What cannot be built is told, and what ran before runs on. */
export function develop() {
  let child = null;
  let stopping = false;

  const reload = async () => {
    try {
      await build();
    } catch (error) {
      console.error(`The build failed.\n${error.message}`);
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

async function stop(child) {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
