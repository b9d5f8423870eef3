import { existsSync } from "node:fs";
import { join } from "node:path";
import { bundle, load, portable } from "./bundling.mjs";

/**
 * @import { Manifest } from "../runtime/manifest.ts"
 * @typedef {Pick<Manifest, "settings" | "metrics">} Declarations
 */

/**
 * What the functions of `root` declare together: their settings in domain/config.ts, their metrics in domain/metrics.ts.
 * @param {string} root
 * @returns {Promise<Declarations>}
 */
export async function readDeclarations(root) {
  const { settings = {} } = await exportsOf("domain/config.ts", root);
  const metrics = Object.values(await exportsOf("domain/metrics.ts", root));
  // The types of domain/ have checked what these files export.
  return /** @type {Declarations} */ ({ settings, metrics });
}

/**
 * @param {string} file
 * @param {string} root
 * @returns {Promise<Record<string, unknown>>} nothing when there is no such file
 */
async function exportsOf(file, root) {
  if (!existsSync(join(root, file))) return {};
  const { outputFiles } = await bundle({ ...portable, absWorkingDir: root, entryPoints: [file], outdir: root });
  const [output] = outputFiles;
  return output === undefined ? {} : load(output.contents);
}
