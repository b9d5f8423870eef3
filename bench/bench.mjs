// npm run bench, npm run bench:cost: builds dist/ and the bench itself, and runs the program that the first argument
// names. With --json it prints its figures as JSON.
import { join } from "node:path";
import * as esbuild from "esbuild";
import { build } from "../build.mjs";

const programs = { speed: "main", cost: "cost" };
const program = programs[process.argv[2] ?? ""];
if (program === undefined) throw new Error(`Name what to run: ${Object.keys(programs).join(" or ")}`);
const root = join(import.meta.dirname, "..");
await build();
await esbuild.build({
  absWorkingDir: root,
  entryPoints: ["main", "target", "receiver", "floor", "cost", "cost-stack"].map((name) => `bench/${name}.ts`),
  outdir: "dist/bench",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
});
await import(join(root, `dist/bench/${program}.mjs`));
