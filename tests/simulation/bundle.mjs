// Bundles a program of the simulation, with the sources changed by `edit` where it is given.
import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import * as esbuild from "esbuild";

const ROOT = join(import.meta.dirname, "../..");
/** Of this process alone, and where packages are found from. */
const FOLDER = join(ROOT, `node_modules/.cache/stillup/simulation/${process.pid}`);
process.on("exit", () => rmSync(FOLDER, { recursive: true, force: true }));

/**
 * The path of the bundle.
 * @param {"main" | "worker"} program
 * @param {{ name?: string, edit?: (path: string, text: string) => string }} [options]
 * @returns {Promise<string>}
 */
export async function bundle(program, { name = program, edit = (_, text) => text } = {}) {
  const outfile = join(FOLDER, `${name}.mjs`);
  await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: [`tests/simulation/${program}.ts`],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
    plugins: [
      {
        name: "edit",
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
            contents: edit(relative(ROOT, path).split(sep).join("/"), await readFile(path, "utf8")),
            loader: "ts",
          }));
        },
      },
    ],
  });
  return outfile;
}
