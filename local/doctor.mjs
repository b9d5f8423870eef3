// `npm run doctor`: makes a clone ready, then checks a configuration and what it names. Plain Node: nothing is installed
// yet when this runs.
import { ensureBuilt, ensureInstalled } from "./install.mjs";

ensureInstalled();
ensureBuilt();
process.argv.splice(2, 0, "doctor");
await import("../dist/local/main.mjs");
