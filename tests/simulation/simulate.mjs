// npm run simulate: bundles the simulation and runs it. See main.ts for its arguments.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureInstalled } from "../../local/install.mjs";

ensureInstalled();
const { bundle } = await import("./bundle.mjs");
// So that what bundle.mjs wrote goes, too.
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.on(signal, () => process.exit(code));
}
const { main } = await import(pathToFileURL(await bundle("main")).href);
process.exitCode = await main({
  root: join(import.meta.dirname, "../.."),
  bundle: (name, edit) => bundle("worker", { name, edit }),
  args: process.argv.slice(2),
});
