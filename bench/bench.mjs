// npm run bench: builds dist/ and the bench itself, and runs it. With --json it prints its figures as JSON.
import { join } from "node:path";
import * as esbuild from "esbuild";
import { build } from "../build.mjs";

const root = join(import.meta.dirname, "..");
await build();
await esbuild.build({
  absWorkingDir: root,
  entryPoints: ["main", "target", "receiver", "floor"].map((name) => `bench/${name}.ts`),
  outdir: "dist/bench",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
});
await import(join(root, "dist/bench/main.mjs"));
