// npm run simulate: bundles the simulation and runs it. See main.ts for its arguments.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureInstalled } from "../../local/install.mjs";

ensureInstalled();
const { bundle } = await import("./bundle.mjs");
// So that what bundle.mjs wrote goes, too.
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
/** @type {typeof import("./main.ts")} */
const { main } = await import(pathToFileURL(await bundle("main")).href);
process.exitCode = await main({
  root: join(import.meta.dirname, "../.."),
  bundle: (name, edit) => bundle("worker", { name, edit }),
  args: process.argv.slice(2),
});
