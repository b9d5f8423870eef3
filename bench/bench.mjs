// npm run bench, bench:cost, bench:cold: builds dist/ and the bench itself, and runs the program that the first argument
// names. With --json it prints its figures as JSON.
import { join } from "node:path";
import { ensureInstalled } from "../local/install.mjs";

ensureInstalled();
const [esbuild, { build }, { buildHost }] = await Promise.all([
  import("esbuild"),
  import("../build/project.mjs"),
  import("../build/hosts.mjs"),
]);
const programs = new Map([
  ["speed", "main"],
  ["cost", "cost"],
  ["cold", "cold"],
]);
const program = programs.get(process.argv[2] ?? "");
if (program === undefined) throw new Error(`Name what to run: ${[...programs.keys()].join(" or ")}`);
const root = join(import.meta.dirname, "..");
await build();
if (program === "cold") {
  const only = ["get-healthz", "list-monitors"];
  for (const host of /** @type {const} */ (["lambda", "cloudflare", "fetch"])) await buildHost({ host, only });
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
