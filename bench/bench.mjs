// npm run bench, bench:cost, bench:cold: builds dist/ and the bench itself, and runs the program that the first argument
// names. With --json it prints its figures as JSON.
import { join } from "node:path";
import { ensureInstalled } from "../local/install.mjs";

ensureInstalled();
const [esbuild, { build }, { buildHost }] = await Promise.all([
  import("esbuild"),
  import("../build.mjs"),
  import("../build-hosts.mjs"),
]);
const programs = { speed: "main", cost: "cost", cold: "cold" };
const program = programs[process.argv[2] ?? ""];
if (program === undefined) throw new Error(`Name what to run: ${Object.keys(programs).join(" or ")}`);
const root = join(import.meta.dirname, "..");
await build();
if (program === "cold") {
  for (const host of ["lambda", "cloudflare", "fetch"]) {
    for (const only of ["get-healthz", "list-monitors"]) await buildHost({ host, only });
  }
}
await esbuild.build({
  absWorkingDir: root,
  entryPoints: ["main", "target", "receiver", "floor", "cost", "cost-stack", "cold"].map((name) => `bench/${name}.ts`),
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
