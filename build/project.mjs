// Builds dist/: the functions, the Node host, the migrations and the manifest.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { BUDGETS, kilobytes } from "./budgets.mjs";
import { ROOT } from "./bundling.mjs";
import { readDeclarations } from "./declarations.mjs";
import { bundleFunctions, functionFiles, routesOf } from "./functions.mjs";
import { bundleLocal } from "./local.mjs";
import { checkMigrations, copyMigrations } from "./migrations.mjs";
import { openApiDocument } from "./openapi.mjs";

/**
 * @import { OutputFile } from "esbuild"
 * @import { Manifest } from "../runtime/manifest.ts"
 * @typedef {Pick<OutputFile, "path" | "contents">} BuiltFile
 *
 * @typedef {object} ProjectOptions
 * @property {string} [root] The folder that has functions/, local/ and migrations/; this project's own when left out.
 * @property {string} [outDir] `dist` of `root` when left out.
 * @property {number} [budgetBytes] What a function's bundle must stay under.
 */

/**
 * Builds `root` into `outDir`. A build that fails changes nothing there.
 * @param {ProjectOptions} [options]
 * @returns {Promise<Manifest>}
 * @throws {Error} whose message has a line for each mistake, with the file that made it and what to change.
 */
export async function build({ root = ROOT, outDir = join(root, "dist"), budgetBytes = BUDGETS.bundleBytes } = {}) {
  const folders = { root: resolve(root), outDir: resolve(outDir) };
  await checkMigrations(root);
  const { functions, outputFiles } = await bundleFunctions(folders, { budgetBytes });
  const files = [...outputFiles, ...(await bundleLocal(folders))];
  const manifest = { functions, ...(await readDeclarations(folders.root)) };

  await writeFiles(files);
  await copyMigrations(root, outDir);
  await removeStale(outDir, new Set(files.map(({ path }) => path)));
  // Last, because its time says when dist was whole.
  await writeFile(join(outDir, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/**
 * The OpenAPI document of the routes in `root`, packed: for tests that import the sources.
 * @param {string} [root]
 */
export async function packedOpenApi(root = ROOT) {
  return openApiDocument(routesOf(await functionFiles(root)), root);
}

/** @param {Manifest} manifest */
export function sizeTable({ functions }) {
  return functions
    .map(({ kind, name, bytes }) => `${kind.padEnd(10)} ${name.padEnd(28)} ${kilobytes(bytes).padStart(8)}`)
    .join("\n");
}

/** @param {readonly BuiltFile[]} files */
export async function writeFiles(files) {
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) await mkdir(folder, { recursive: true });
  await Promise.all(files.map(({ path, contents }) => writeFile(path, contents)));
}

/**
 * Removes what earlier builds left, and nothing that a running process may still load from this one.
 * @param {string} outDir
 * @param {Set<string>} kept
 */
async function removeStale(outDir, kept) {
  for (const folder of ["functions", "local"]) {
    for (const entry of await readdir(join(outDir, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && !kept.has(path)) await rm(path);
    }
  }
}
