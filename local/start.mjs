// `npm start`: makes a clone ready, then runs everything in this process. With --watch (`npm run dev`) it builds and
// starts anew after each change. Plain Node: nothing is installed yet when this runs.
import { ensureBuilt, ensureInstalled } from "./install.mjs";

ensureInstalled();
if (process.argv.includes("--watch")) {
  const { develop } = await import("./develop.mjs");
  develop();
} else {
  ensureBuilt();
  process.argv.splice(2, 0, "all");
  await import("../dist/local/main.mjs");
}
