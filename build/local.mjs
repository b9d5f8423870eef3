// Bundles the Node host: what runs the functions in processes.
import { join } from "node:path";
import { bundle, requireBanner } from "./bundling.mjs";

/**
 * @param {{ root: string, outDir: string }} folders
 */
export async function bundleLocal({ root, outDir }) {
  const { outputFiles } = await bundle({
    absWorkingDir: root,
    entryPoints: ["local/main.ts"],
    outdir: join(outDir, "local"),
    platform: "node",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    // PGlite finds its wasm beside its own files. Only `npm start` uses it, where node_modules is.
    external: ["@electric-sql/pglite"],
    banner: requireBanner,
  });
  return outputFiles;
}
