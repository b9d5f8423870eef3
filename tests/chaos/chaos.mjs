// npm run chaos: bundles the run and runs it. `npm run chaos -- --help` says what it takes.
import { join } from "node:path";
import { ensureInstalled } from "../../local/install.mjs";

ensureInstalled();
const esbuild = await import("esbuild");
const root = join(import.meta.dirname, "../..");
await esbuild.build({
  absWorkingDir: root,
  entryPoints: ["tests/chaos/main.ts"],
  outfile: "dist/chaos/main.mjs",
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
});
await import(join(root, "dist/chaos/main.mjs"));
