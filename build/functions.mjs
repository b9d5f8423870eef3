// Bundles the files in functions/, checks them, and describes them for the manifest.
import { readdir } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { bundle, load, outputOf, portable, ROOT, thrownAt, virtualModule } from "./bundling.mjs";
import { checkBudgets, checkContents, importPath } from "./checks.mjs";
import { DOCUMENT, openApiDocument } from "./openapi.mjs";

/**
 * @import { Metafile, OutputFile, Plugin } from "esbuild"
 * @import { ManifestFunction } from "../runtime/manifest.ts"
 * @typedef {ManifestFunction["kind"]} Kind
 * @typedef {{ readonly kind: Kind, readonly name: string, readonly path: string }} FunctionFile
 *   `path` is within the root: `functions/api/get-monitor.ts`
 * @typedef {{ file: FunctionFile, module: Record<string, unknown>, problems: string[] }} CheckedFunction
 * @typedef {{ readonly root: string, readonly outDir: string }} Folders
 */

/** What each kind of function exports: the methods of its default export, its metadata, and how the two are written. */
const KINDS = {
  api: {
    methods: ["fetch"],
    metadata: "route",
    toExport: "export default handle(route, async (call) => {...})",
    toDescribe: "export const route = { method, path, auth, summary, responses } as const satisfies Route",
  },
  workers: {
    methods: ["consume", "deadLetter"],
    metadata: "source",
    toExport:
      "export default { consume(batch, env, ctx) {...}, deadLetter(letter, env) {...} } satisfies ConsumeFunction",
    toDescribe: "export const source: Source = { stream, group, batchSize, parallel }",
  },
  schedules: {
    methods: ["scheduled"],
    metadata: "schedule",
    toExport: "export default { scheduled(tick, env, ctx) {...} } satisfies ScheduledFunction",
    toDescribe: "export const schedule: Schedule = { everySeconds, runsWith }",
  },
};

/**
 * Every function file, in an order that is the same everywhere.
 * @param {string} [root]
 */
export async function functionFiles(root = ROOT) {
  /** @type {FunctionFile[]} */
  const files = [];
  for (const kind of /** @type {Kind[]} */ (Object.keys(KINDS))) {
    const names = (await readdir(join(root, "functions", kind))).filter((name) => name.endsWith(".ts")).sort();
    files.push(...names.map((name) => ({ kind, name: basename(name, ".ts"), path: `functions/${kind}/${name}` })));
  }
  return files;
}

/**
 * Bundles every function, in memory.
 * @param {Folders} folders
 * @param {{ budgetBytes: number }} limits
 * @returns {Promise<{ functions: ManifestFunction[], outputFiles: OutputFile[] }>}
 * @throws {Error} whose message has a line for each mistake, with the function that made it and what to change.
 */
export async function bundleFunctions(folders, { budgetBytes }) {
  const files = await functionFiles(folders.root);
  // The document of all routes is described by the routes, so they are checked before it is made.
  const { outputFiles: drafts, metafile } = await bundleFiles(files, folders, virtualModule(DOCUMENT, ""));
  const checked = await Promise.all(files.map((file) => checkFunction(file, { folders, outputFiles: drafts })));
  const withPorts = checked.flatMap(({ file, module }) =>
    isRecord(module["ports"]) ? [outputKey(file, folders)] : [],
  );
  stopOn([
    ...checked.flatMap(({ problems }) => problems),
    ...checkContents(metafile, new Set(withPorts)),
    ...checkPaths(checked),
    ...checkSchedules(checked),
  ]);

  const serving = files.filter((file) => servesDocument(file, metafile, folders));
  const outputFiles = serving.length === 0 ? drafts : replace(drafts, await bundleServing(serving, files, folders));
  const functions = checked.map(({ file, module }) => describe(file, { module, folders, outputFiles }));
  stopOn(checkBudgets(functions, budgetBytes));
  return { functions, outputFiles };
}

/**
 * Bundles what serves the OpenAPI document, with the document.
 * @param {readonly FunctionFile[]} serving
 * @param {readonly FunctionFile[]} files
 * @param {Folders} folders
 */
async function bundleServing(serving, files, folders) {
  const document = await openApiDocument(routesOf(files), folders.root);
  const { outputFiles } = await bundleFiles(serving, folders, virtualModule(DOCUMENT, document));
  return outputFiles;
}

/**
 * @param {readonly OutputFile[]} drafts
 * @param {readonly OutputFile[]} finals
 */
function replace(drafts, finals) {
  const replaced = new Set(finals.map(({ path }) => path));
  return [...drafts.filter(({ path }) => !replaced.has(path)), ...finals];
}

/**
 * @param {readonly FunctionFile[]} files
 * @returns {string[]} names of the routes
 */
export function routesOf(files) {
  return files.filter(({ kind }) => kind === "api").map(({ name }) => name);
}

/**
 * The bundle of a function, as esbuild's metafile calls it.
 * @param {FunctionFile} file
 * @param {Folders} folders
 */
function outputKey(file, { root, outDir }) {
  return relative(root, join(outDir, bundleOf(file)));
}

/**
 * @param {FunctionFile} file
 * @param {Metafile} metafile
 * @param {Folders} folders
 */
function servesDocument(file, metafile, folders) {
  const output = metafile.outputs[outputKey(file, folders)];
  return importPath(metafile, output?.entryPoint ?? "", `virtual:${DOCUMENT}`) !== null;
}

/**
 * @param {readonly FunctionFile[]} files
 * @param {Folders} folders
 * @param {Plugin} document
 */
function bundleFiles(files, { root, outDir }, document) {
  return bundle({
    ...portable,
    absWorkingDir: root,
    entryPoints: files.map(({ path, kind, name }) => ({ in: path, out: `${kind}/${name}` })),
    outdir: join(outDir, "functions"),
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    plugins: [document],
  });
}

/**
 * Loads a bundle, and checks that it exports what its kind needs.
 * @param {FunctionFile} file
 * @param {{ folders: Folders, outputFiles: readonly OutputFile[] }} bundled
 * @returns {Promise<CheckedFunction>}
 */
async function checkFunction(file, { folders: { outDir }, outputFiles }) {
  const path = join(outDir, bundleOf(file));
  try {
    const module = await load(outputOf(outputFiles, path));
    return { file, module, problems: checkExports(file, module) };
  } catch (error) {
    const at = thrownAt(error, outputOf(outputFiles, `${path}.map`));
    const where = at === undefined ? "" : ` (${at})`;
    const problem = `${file.path} throws when it is loaded: ${error}${where}. Move what fails into the handler.`;
    return { file, module: {}, problems: [problem] };
  }
}

/**
 * @param {FunctionFile} file
 * @param {Record<string, unknown>} module
 */
function checkExports({ kind, path }, module) {
  const { methods, metadata, toExport, toDescribe } = KINDS[kind];
  const { default: fn } = module;
  const problems = methods
    .filter((method) => !isRecord(fn) || typeof fn[method] !== "function")
    .map((method) => `${path} has no default export with a method "${method}". Add: ${toExport}`);
  if (!isRecord(module[metadata])) problems.push(`${path} does not export "${metadata}". Add: ${toDescribe}`);
  return problems;
}

/**
 * Two routes must not answer the same calls.
 * @param {readonly CheckedFunction[]} checked
 * @returns {string[]}
 */
function checkPaths(checked) {
  /** @type {Map<string, string>} */
  const answeredBy = new Map();
  const problems = [];
  for (const { file, module } of checked) {
    if (file.kind !== "api" || !isRecord(module["route"])) continue;
    const call = `${module["route"]["method"]} ${module["route"]["path"]}`;
    const other = answeredBy.get(call);
    answeredBy.set(call, file.path);
    if (other !== undefined) problems.push(`${file.path} and ${other} both answer ${call}. Change one of the two.`);
  }
  return problems;
}

/**
 * A schedule runs in the processes of workers, so it must name some that exist.
 * @param {readonly CheckedFunction[]} checked
 * @returns {string[]}
 */
function checkSchedules(checked) {
  const workers = checked.filter(({ file }) => file.kind === "workers").map(({ file }) => file.name);
  return checked.flatMap(({ file, module }) => {
    if (file.kind !== "schedules" || !isRecord(module["schedule"])) return [];
    const { runsWith } = module["schedule"];
    const names = Array.isArray(runsWith) ? runsWith : [];
    const unknown = names.filter((name) => !workers.includes(name));
    if (names.length > 0 && unknown.length === 0) return [];
    const what = names.length === 0 ? "no worker" : `${unknown.join(", ")}, and there is no such worker`;
    return [`${file.path}: "runsWith" names ${what}. Name one or more of ${workers.join(", ")}, or it does not run.`];
  });
}

/**
 * @param {FunctionFile} file
 * @param {{ module: Record<string, unknown>, folders: Folders, outputFiles: readonly OutputFile[] }} built
 * @returns {ManifestFunction}
 */
function describe(file, { module, folders: { outDir }, outputFiles }) {
  const { name, kind } = file;
  const { [KINDS[kind].metadata]: metadata, ports } = module;
  const bytes = outputOf(outputFiles, join(outDir, bundleOf(file))).length;
  const described = {
    name,
    kind,
    file: bundleOf(file),
    bytes,
    [KINDS[kind].metadata]: plain(isRecord(metadata) ? metadata : {}),
    ...(ports === undefined ? {} : { ports }),
  };
  // The types of functions/ have checked what the metadata holds.
  return /** @type {ManifestFunction} */ (/** @type {unknown} */ (described));
}

/**
 * What of a function's metadata is data: its schemas stay in the bundle.
 * @param {Record<string, unknown>} metadata
 */
function plain(metadata) {
  const isData = (/** @type {unknown} */ value) =>
    ["string", "number", "boolean"].includes(typeof value) || Array.isArray(value);
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => isData(value)));
}

/** @param {FunctionFile} file */
function bundleOf({ kind, name }) {
  return `functions/${kind}/${name}.mjs`;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isRecord(value) {
  return typeof value === "object" && value !== null;
}

/** @param {readonly string[]} problems */
function stopOn(problems) {
  if (problems.length > 0) throw new Error(problems.join("\n"));
}
