import { watch } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./bundling.mjs";

const FOLDERS = ["functions", "domain", "runtime", "local", "migrations"];
/** An editor saves in several steps. */
const QUIET_MS = 100;

/**
 * Calls `changed` at once, then once for each burst of changes to the sources, and never while an earlier call goes on.
 * @param {() => Promise<unknown>} changed
 * @param {string} [root]
 * @returns {() => void} ends the watch
 */
export function watchSources(changed, root = ROOT) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  let running = false;
  const wake = () => {
    clearTimeout(timer);
    timer = setTimeout(run, QUIET_MS);
  };
  const run = async () => {
    if (running) return wake();
    running = true;
    await changed();
    running = false;
  };
  const watchers = FOLDERS.map((name) => watch(join(root, name), { recursive: true }, wake));
  void run();
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
