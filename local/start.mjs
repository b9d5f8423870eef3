// `npm start`, `npm run doctor`, `npm run migrate`: makes a clone ready, then runs the built runtime with these arguments.
// `npm run dev` is `--watch`: it builds and starts again after each change. Plain Node: nothing is installed yet when this
// runs.
import { ensureBuilt, ensureInstalled } from "./install.mjs";

ensureInstalled();
if (process.argv.includes("--watch")) {
  const { develop } = await import("./develop.mjs");
  develop();
} else {
  ensureBuilt();
  await import(new URL("../dist/local/main.mjs", import.meta.url).href);
}
