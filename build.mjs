// Bundles every function file and the local runtime into dist/.
//   node build.mjs           builds once; fails when a bundle is over its budget or holds what it must not
//   node build.mjs --watch   builds again after each change
//   node build.mjs --host lambda|cloudflare|fetch [--function NAME]   artefacts for a function host, see build-hosts.mjs
import { existsSync, watch as watchFolder } from "node:fs";
import { cp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { deflateRawSync } from "node:zlib";
import * as esbuild from "esbuild";

const ROOT = import.meta.dirname;
const BUDGET_BYTES = 60_000;
/** What a function bundle may hold of node_modules. Drivers and whatever else has weight come in through `env`. */
const ALLOWED_PACKAGES = ["zod"];
const FOLDERS = ["functions", "domain", "runtime", "local", "migrations"];
/** What each kind of function exports: the methods of its default export, and its metadata. */
const EXPORTS = {
  api: { methods: ["fetch"], metadata: "route" },
  workers: { methods: ["consume", "deadLetter"], metadata: "source" },
  schedules: { methods: ["scheduled"], metadata: "schedule" },
};

/** @type {esbuild.BuildOptions} */
export const common = {
  bundle: true,
  format: "esm",
  target: "node20",
  outExtension: { ".js": ".mjs" },
  charset: "utf8",
  metafile: true,
  logLevel: "silent",
};

/** Some packages are CommonJS and call require() for Node's own modules. */
export const requireBanner = {
  js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
};

/** For what must run on any host. */
const portable = { platform: "neutral", mainFields: ["module", "main"], external: ["node:*", ...builtinModules] };

/**
 * Builds `root` into `outDir`. Throws an Error that says what to change when it cannot.
 * @param {import("./build.d.mts").BuildOptions} [options]
 * @returns {Promise<import("./build.d.mts").Manifest>}
 */
export async function build({ root = ROOT, outDir = join(root, "dist"), budgetBytes = BUDGET_BYTES } = {}) {
  const files = await functionFiles(root);
  const bundles = await bundleFunctions(root, outDir, files);
  const local = await bundleLocal(root, outDir);
  await rm(join(outDir, "migrations"), { recursive: true, force: true });
  await cp(join(root, "migrations"), join(outDir, "migrations"), { recursive: true });

  const functions = await Promise.all(files.map((file) => describeBundle(file, outDir)));
  const { metafile } = bundles;
  const problems = [...checkBudgets(functions, budgetBytes), ...checkPackages(metafile), ...checkBuiltins(metafile)];
  if (problems.length > 0) throw new Error(problems.join("\n"));

  const written = [bundles, local].flatMap(({ metafile }) => Object.keys(metafile.outputs));
  await removeStale(outDir, new Set(written.map((path) => resolve(root, path))));
  // Last, because its time says when dist was whole.
  const manifest = { functions, ...(await declarations(root)) };
  await writeFile(join(outDir, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** What the functions of `root` declare together: their settings and their metrics. */
async function declarations(root) {
  const exportsOf = (file) =>
    existsSync(join(root, file)) ? bundleAndImport({ absWorkingDir: root, entryPoints: [file], ...portable }) : {};
  const { settings = {} } = await exportsOf("domain/config.ts");
  return { settings, metrics: Object.values(await exportsOf("domain/metrics.ts")) };
}

/**
 * The OpenAPI document of the routes in `root`, as JSON, deflated, in base64: what `virtual:openapi` resolves to.
 * @param {string} [root]
 * @returns {Promise<string>}
 */
export async function packedOpenApi(root = ROOT) {
  return deflateRawSync(await openApiJson(root), { level: 9 }).toString("base64");
}

async function openApiJson(root) {
  const routes = (await functionFiles(root)).filter(({ kind }) => kind === "api");
  const imports = routes.map(({ name }, index) => `import { route as r${index} } from "./functions/api/${name}.ts";`);
  const contents = `import { openApiDocument } from "./runtime/api/openapi.ts";
${imports.join("\n")}
export default JSON.stringify(openApiDocument([${routes.map(({ name }, index) => `{ name: "${name}", route: r${index} }`)}]));`;
  const { default: json } = await bundleAndImport({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root, sourcefile: "openapi-entry.ts" },
    ...portable,
    // The route that serves the document is described in it too; for that it need not hold it.
    plugins: [virtualModule("virtual:openapi", async () => "")],
  });
  return json;
}

/**
 * What the module exports that these options make, written nowhere.
 * @param {esbuild.BuildOptions} options
 */
export async function bundleAndImport(options) {
  const { outputFiles } = await esbuild.build({ ...common, ...options, write: false });
  const code = Buffer.from(outputFiles[0].contents).toString("base64");
  return import(`data:text/javascript;base64,${code}`);
}

/**
 * Calls `changed` at once, then once for each burst of changes to the sources, and never while an earlier call goes on.
 * @param {() => Promise<void>} changed
 * @returns {() => void} ends the watch
 */
export function watchSources(changed, root = ROOT) {
  const QUIET_MS = 100;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  let running = false;
  const wake = () => {
    clearTimeout(timer);
    timer = setTimeout(run, QUIET_MS);
  };
  const run = async () => {
    if (running) return wake();
    running = true;
    await changed();
    running = false;
  };
  const watchers = FOLDERS.map((name) => watchFolder(join(root, name), { recursive: true }, wake));
  void run();
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

/** @param {import("./build.d.mts").Manifest} manifest */
export function sizeTable({ functions }) {
  const row = ({ kind, name, bytes }) => `${kind.padEnd(10)} ${name.padEnd(28)} ${kilobytes(bytes).padStart(8)}`;
  return functions.map(row).join("\n");
}

/** Every function file, in an order that is the same everywhere. */
async function functionFiles(root) {
  const files = [];
  for (const kind of Object.keys(EXPORTS)) {
    const names = await readdir(join(root, "functions", kind));
    const sorted = names.filter((name) => name.endsWith(".ts")).sort();
    files.push(...sorted.map((name) => ({ kind, name: basename(name, ".ts") })));
  }
  return files;
}

function bundleFunctions(root, outDir, files) {
  return esbuild.build({
    ...common,
    absWorkingDir: root,
    entryPoints: files.map(({ kind, name }) => ({ in: `functions/${kind}/${name}.ts`, out: `${kind}/${name}` })),
    outdir: join(outDir, "functions"),
    ...portable,
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    plugins: [openApiModule(root)],
  });
}

function bundleLocal(root, outDir) {
  return esbuild.build({
    ...common,
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
}

/** For what imports functions: the document that get-openapi serves. */
export function openApiModule(root) {
  return virtualModule("virtual:openapi", () => packedOpenApi(root));
}

/** An esbuild plugin: importing `name` gives, as its default export, the text that `text` makes. */
function virtualModule(name, text) {
  return {
    name,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: "virtual" }));
      onLoad({ filter: /.*/, namespace: "virtual" }, async () => ({ contents: await text(), loader: "text" }));
    },
  };
}

/** A manifest entry, from what the built bundle itself exports. */
async function describeBundle({ kind, name }, outDir) {
  const file = `functions/${kind}/${name}.mjs`;
  const path = join(outDir, file);
  const { size, mtimeMs } = await stat(path);
  const module = await import(`${pathToFileURL(path)}?built=${mtimeMs}`);
  const { methods, metadata } = EXPORTS[kind];
  const lacksMethod = methods.some((method) => typeof module.default?.[method] !== "function");
  if (lacksMethod || module[metadata] === undefined) {
    throw new Error(`functions/${kind}/${name}.ts must export default { ${methods.join(", ")} } and const ${metadata}`);
  }
  const { ports } = module;
  return { name, kind, file, bytes: size, [metadata]: plain(module[metadata]), ...(ports && { ports }) };
}

/** What of a function's metadata is data: its schemas stay in the bundle. */
function plain(metadata) {
  const isData = (value) => ["string", "number", "boolean"].includes(typeof value) || Array.isArray(value);
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => isData(value)));
}

function checkBudgets(functions, budgetBytes) {
  return functions
    .filter(({ bytes }) => bytes >= budgetBytes)
    .map(({ file, bytes }) => `${file} is ${kilobytes(bytes)}; a function's budget is ${kilobytes(budgetBytes)}`);
}

function checkPackages({ outputs }) {
  return Object.values(outputs).flatMap(({ entryPoint, inputs }) => {
    const packages = new Set(Object.keys(inputs).map(packageOf));
    const strays = [...packages].filter((name) => name !== undefined && !ALLOWED_PACKAGES.includes(name));
    return strays.map((name) => `${entryPoint} holds the package ${name}; functions get such things through env`);
  });
}

function checkBuiltins({ inputs }) {
  return Object.entries(inputs)
    .filter(([path]) => packageOf(path) === undefined)
    .flatMap(([file, { imports }]) => {
      const bare = imports.filter(({ external, path }) => external && builtinModules.includes(path));
      return bare.map(
        ({ path }) => `${file} imports "${path}"; not every host knows it by another name than node:${path}`,
      );
    });
}

export function packageOf(path) {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}

/** Takes away what earlier builds left, and nothing that a running process may still load from this one. */
async function removeStale(outDir, kept) {
  for (const folder of ["functions", "local"]) {
    for (const entry of await readdir(join(outDir, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && !kept.has(path)) await rm(path);
    }
  }
}

export function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} KB`;
}

/** Builds and prints what came of it; false when it failed. */
async function report() {
  try {
    console.log(sizeTable(await build()));
    return true;
  } catch (error) {
    console.error(`The build failed.\n${error.message}`);
    return false;
  }
}

if (process.argv[1] === import.meta.filename) {
  // Not awaited: it imports this module, which then would never be done.
  const args = process.argv.slice(2);
  if (args.includes("--host")) void import("./build-hosts.mjs").then(({ main }) => main(args));
  else if (args.length === 0) process.exitCode = (await report()) ? 0 : 1;
  else if (args.join(" ") === "--watch") watchSources(report);
  else {
    console.error("node build.mjs [--watch]\nnode build.mjs --host lambda|cloudflare|fetch [--function NAME]");
    process.exitCode = 2;
  }
}
