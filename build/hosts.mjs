// Builds artefacts for function hosts, into dist/hosts/<host>/: what a function needs there in one file, its drivers included.
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { BUDGETS, kilobytes } from "./budgets.mjs";
import { bundle, load, outputOf, ROOT, virtualModule } from "./bundling.mjs";
import { contentsOf, packageOf } from "./checks.mjs";
import { entryModule, HOSTS, isHost } from "./host-entry.mjs";
import { DOCUMENT, openApiDocument } from "./openapi.mjs";
import { build, writeFiles } from "./project.mjs";

/**
 * @import { Metafile, OutputFile, Plugin } from "esbuild"
 * @import { HostLimits, HostName } from "../runtime/limits.ts"
 * @import { ArtefactBudget } from "./budgets.mjs"
 * @import { Manifest, ManifestFunction } from "../runtime/manifest.ts"
 * @import { BuiltFile } from "./project.mjs"
 *
 * @typedef {object} HostBuildOptions
 * @property {HostName} host
 * @property {readonly string[]} [only] Names of functions, or `api`, `worker`, `all`; everything when left out.
 * @property {string} [root] The folder that has functions/; this project's own when left out.
 * @property {string} [outDir] `dist` of `root` when left out.
 *
 * @typedef {object} PlannedArtefact
 * @property {string} name
 * @property {readonly ManifestFunction[]} functions
 * @property {boolean} callsOut Whether one of them declares the port http.
 *
 * @typedef {object} BuiltArtefact One artefact, ready to be deployed.
 * @property {HostName} host
 * @property {string} name
 * @property {string} file
 * @property {number} bytes
 * @property {number} gzipBytes
 * @property {boolean} callsOut
 * @property {string} [zip] Lambda's alone.
 * @property {number} [zipBytes]
 */

/** The artefacts that have many functions. */
const WHOLES = ["api", "worker", "all"];
/** Drivers that need sockets of their own, or files: none may be in an artefact. */
const NOT_OVER_HTTP = ["pg", "ioredis", "@electric-sql/pglite", "prom-client"];
/** Zip files store local time from 1980 on. A fixed time, so that the same input gives the same bytes. */
const ZIP_TIME = new Date(1980, 0, 1);

/**
 * Builds the artefacts of one host.
 * @param {HostBuildOptions} options
 * @returns {Promise<BuiltArtefact[]>}
 * @throws {Error} whose message has a line for each mistake and says what to change.
 */
export async function buildHost({ host, only, root = ROOT, outDir = join(root, "dist") }) {
  if (!isHost(host)) throw new Error(`There is no host "${host}". Choose one of ${Object.keys(HOSTS).join(", ")}.`);
  const folders = { root: resolve(root), outDir: resolve(outDir) };
  const manifest = await build(folders);
  const planned = planArtefacts(manifest.functions);
  const wanted = only === undefined ? planned : choose(planned, only);

  const folder = join(folders.outDir, "hosts", host);
  const { outputFiles, metafile } = await bundleArtefacts(host, { wanted, manifest, root: folders.root, folder });
  const finished = wanted.map((artefact) => finish(host, artefact, { folder, outputFiles }));
  const built = finished.map(({ artefact }) => artefact);
  const problems = [...checkBudgets(built), ...checkDrivers(metafile)];
  if (problems.length > 0) throw new Error(problems.join("\n"));

  if (only === undefined) await rm(folder, { recursive: true, force: true });
  await writeFiles([...outputFiles, ...finished.flatMap(({ zips }) => zips)]);
  return built;
}

/**
 * Each function, a worker with the schedules of its process, and what is deployed as one.
 * @param {readonly ManifestFunction[]} functions
 * @returns {PlannedArtefact[]}
 */
function planArtefacts(functions) {
  const schedules = functions.filter((fn) => fn.kind === "schedules");
  const schedulesOf = (/** @type {string} */ name) =>
    schedules.filter(({ schedule }) => schedule.runsWith.includes(name));
  const artefact = (/** @type {string} */ name, /** @type {readonly ManifestFunction[]} */ functions) => ({
    name,
    functions,
    callsOut: functions.some(({ ports }) => ports?.http !== undefined),
  });
  return [
    ...functions.map((fn) => artefact(fn.name, fn.kind === "workers" ? [fn, ...schedulesOf(fn.name)] : [fn])),
    artefact(
      "api",
      functions.filter(({ kind }) => kind === "api"),
    ),
    artefact("worker", [...functions.filter(({ kind }) => kind === "workers"), ...schedules]),
    artefact("all", functions),
  ];
}

/**
 * What each worker reads, as env has it.
 * @param {readonly ManifestFunction[]} functions
 */
function sourcesOf(functions) {
  return functions.flatMap((fn) => (fn.kind === "workers" ? [fn.source] : []));
}

/**
 * @param {readonly PlannedArtefact[]} planned
 * @param {readonly string[]} names
 */
function choose(planned, names) {
  const unknown = names.filter((name) => !planned.some((artefact) => artefact.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `There is no function ${unknown.join(", ")}. dist/manifest.json lists them; ${WHOLES.join(", ")} have many.`,
    );
  }
  return planned.filter(({ name }) => names.includes(name));
}

/**
 * @param {HostName} host
 * @param {object} options
 * @param {readonly PlannedArtefact[]} options.wanted
 * @param {Manifest} options.manifest
 * @param {string} options.root
 * @param {string} options.folder
 */
async function bundleArtefacts(host, { wanted, manifest, root, folder }) {
  const { functions, settings, metrics } = manifest;
  const data = { sources: sourcesOf(functions), settings, metrics };
  const routes = functions.filter(({ kind }) => kind === "api").map(({ name }) => name);
  const entries = new Map(wanted.map((artefact) => [artefact.name, entryModule(host, artefact, { data, root })]));
  return bundle({
    ...HOSTS[host].options,
    absWorkingDir: ROOT,
    entryPoints: wanted.map(({ name }) => ({ in: `entry:${name}`, out: `${name}/index` })),
    outdir: folder,
    mainFields: ["module", "main"],
    external: ["node:*"],
    minify: true,
    legalComments: "external",
    sourcemap: "linked",
    sourcesContent: false,
    plugins: [virtualModule(DOCUMENT, await openApiDocument(routes, root)), entryModules(entries)],
  });
}

/**
 * An esbuild plugin: the entries by their names.
 * @param {Map<string, string>} entries
 * @returns {Plugin}
 */
function entryModules(entries) {
  return {
    name: "entries",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice("entry:".length), namespace: "entry" }));
      onLoad({ filter: /.*/, namespace: "entry" }, ({ path }) => ({
        contents: entries.get(path) ?? "",
        loader: "js",
        resolveDir: ROOT,
      }));
    },
  };
}

/**
 * Measures an artefact, and packs it where its host takes a zip.
 * @param {HostName} host
 * @param {PlannedArtefact} artefact
 * @param {{ folder: string, outputFiles: readonly OutputFile[] }} bundled
 * @returns {{ artefact: BuiltArtefact, zips: BuiltFile[] }}
 */
function finish(host, { name, callsOut }, { folder, outputFiles }) {
  const file = join(folder, name, "index.mjs");
  const code = outputOf(outputFiles, file);
  const sizes = { bytes: code.length, gzipBytes: gzipSync(code, { level: 9 }).length };
  const artefact = { host, name, file, ...sizes, callsOut };
  if (host !== "lambda") return { artefact, zips: [] };
  const path = join(folder, `${name}.zip`);
  const files = { "index.mjs": code, "index.mjs.map": outputOf(outputFiles, `${file}.map`) };
  const contents = zipSync(files, { level: 9, mtime: ZIP_TIME });
  return { artefact: { ...artefact, zip: path, zipBytes: contents.length }, zips: [{ path, contents }] };
}

/**
 * @param {readonly BuiltArtefact[]} built
 * @returns {string[]}
 */
function checkBudgets(built) {
  return built.flatMap((artefact) => {
    const { name, bytes, gzipBytes } = artefact;
    const budget = budgetOf(artefact);
    if (bytes < budget.bytes && gzipBytes < budget.gzipBytes) return [];
    const size = `${kilobytes(bytes)}, ${kilobytes(gzipBytes)} gzipped`;
    return [`${name} is ${size}; its budget is ${kilobytes(budget.bytes)}, ${kilobytes(budget.gzipBytes)} gzipped`];
  });
}

/**
 * @param {BuiltArtefact} artefact
 * @returns {ArtefactBudget}
 */
function budgetOf({ name, callsOut }) {
  if (WHOLES.includes(name)) return BUDGETS.wholeArtefact;
  return callsOut ? BUDGETS.callingArtefact : BUDGETS.artefact;
}

/** @param {Metafile} metafile */
function checkDrivers(metafile) {
  return contentsOf(metafile).flatMap(({ entryPoint, files }) => {
    const packages = new Set(files.map(packageOf));
    const strays = NOT_OVER_HTTP.filter((name) => packages.has(name));
    return strays.map((name) => `${entryPoint} contains ${name}, which does not run on function hosts.`);
  });
}

/** @param {readonly BuiltArtefact[]} built */
export function hostTable(built) {
  const row = (/** @type {BuiltArtefact} */ artefact) => {
    const sizes = [artefact.bytes, artefact.gzipBytes, budgetOf(artefact).bytes];
    const [is, gzipped, budget] = sizes.map((size) => kilobytes(size).padStart(9));
    return `${artefact.name.padEnd(24)}${is}${gzipped} gzipped   of ${budget}`;
  };
  return built.map(row).join("\n");
}

/**
 * What a host cannot do, or not quickly, as the API says it; and for how long a tick works by default.
 * @param {HostName} host
 * @returns {Promise<HostLimits & { workSeconds: number }>}
 */
export async function hostLimits(host) {
  const { defaultWorkSeconds, limitsOf } = await loadLimits();
  return { workSeconds: defaultWorkSeconds[host], ...limitsOf(host, defaultWorkSeconds[host]) };
}

/** @returns {Promise<typeof import("../runtime/limits.ts")>} */
async function loadLimits() {
  const { outputFiles } = await bundle({ absWorkingDir: ROOT, entryPoints: ["runtime/limits.ts"], outdir: ROOT });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("esbuild made no bundle of runtime/limits.ts.");
  const limits = /** @type {unknown} */ (await load(output.contents));
  return /** @type {typeof import("../runtime/limits.ts")} */ (limits);
}

/** @param {Awaited<ReturnType<typeof hostLimits>>} limits */
export function limitLines({ workSeconds, minIntervalSeconds, alertWithinSeconds, limitations }) {
  const ticks = `A tick each minute works for ${workSeconds} s (WORK_SECONDS)`;
  const first = `${ticks}: intervals from ${minIntervalSeconds} s, alerts within ${alertWithinSeconds} s.`;
  return [first, ...limitations].join("\n");
}
