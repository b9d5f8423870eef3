// What bundles may contain, judged by what esbuild says of them.
import { builtinModules } from "node:module";
import { BUDGETS, kilobytes } from "./budgets.mjs";

/**
 * @import { Metafile } from "esbuild"
 * @import { ManifestFunction } from "../runtime/manifest.ts"
 */

/** What a function may contain of node_modules. Drivers and whatever else has weight come in through `env`. */
const ALLOWED_PACKAGES = ["zod"];

/**
 * What no route may contain, because a route needs only what describes it. `mayDeclare`: a route that declares a port may
 * contain it. The route that sends a test to a channel does.
 */
const NOT_IN_ROUTES = [
  {
    pattern: /(^|\/)domain\/kinds\/(probes|find-probe|[^/]+\/probe)\.ts$/,
    what: "a probe",
    instead: "Import domain/kinds/schemas.ts instead.",
    mayDeclare: false,
  },
  {
    pattern: /(^|\/)domain\/channels\/(senders|find-sender|types\/[^/]+\/sender)\.ts$/,
    what: "a sender",
    instead: "Import domain/channels/schemas.ts instead, or export the ports that the sender needs.",
    mayDeclare: true,
  },
];

/**
 * A line for each bundle that contains what it must not.
 * @param {Metafile} metafile of the functions
 * @param {Set<string>} withPorts outputs of functions that declare ports
 * @returns {string[]}
 */
export function checkContents(metafile, withPorts) {
  return [...checkPackages(metafile), ...checkRoutes(metafile, withPorts), ...checkBuiltins(metafile)];
}

/**
 * @param {readonly ManifestFunction[]} functions
 * @param {number} [budgetBytes]
 */
export function checkBudgets(functions, budgetBytes = BUDGETS.bundleBytes) {
  return functions
    .filter(({ bytes }) => bytes >= budgetBytes)
    .map(({ file, bytes }) => `${file} is ${kilobytes(bytes)}; a function's budget is ${kilobytes(budgetBytes)}`);
}

/**
 * The files through which `from` imports `to`, both included; null when it does not.
 * @param {Metafile} metafile
 * @param {string} from
 * @param {string} to
 */
export function importPath({ inputs }, from, to) {
  /** @type {string[][]} */
  const paths = [[from]];
  const seen = new Set([from]);
  for (const path of paths) {
    const last = path[path.length - 1] ?? from;
    if (last === to) return path;
    for (const next of inputs[last]?.imports ?? []) {
      if (seen.has(next.path)) continue;
      seen.add(next.path);
      paths.push([...path, next.path]);
    }
  }
  return null;
}

/**
 * The package that a file in node_modules belongs to.
 * @param {string} path
 */
export function packageOf(path) {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}

/**
 * Each entry point with the files that its bundle contains.
 * @param {Metafile} metafile
 */
export function contentsOf({ outputs }) {
  return Object.entries(outputs).flatMap(([output, { entryPoint, inputs }]) => {
    if (entryPoint === undefined) return [];
    const contained = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    return [{ output, entryPoint, files: contained.map(([path]) => path) }];
  });
}

/**
 * @param {Metafile} metafile
 * @returns {string[]}
 */
function checkPackages(metafile) {
  return contentsOf(metafile).flatMap(({ entryPoint, files }) => {
    const packages = new Set(files.flatMap((path) => packageOf(path) ?? []));
    const strays = [...packages].filter((name) => !ALLOWED_PACKAGES.includes(name));
    return strays.map((name) => `${entryPoint} contains the package ${name}. Functions get what it does from env.`);
  });
}

/**
 * @param {Metafile} metafile
 * @param {Set<string>} withPorts
 * @returns {string[]}
 */
function checkRoutes(metafile, withPorts) {
  return contentsOf(metafile)
    .filter(({ entryPoint }) => entryPoint.includes("functions/api/"))
    .flatMap(({ output, entryPoint, files }) =>
      NOT_IN_ROUTES.flatMap(({ pattern, what, instead, mayDeclare }) => {
        const file = files.find((path) => pattern.test(path));
        if (file === undefined || (mayDeclare && withPorts.has(output))) return [];
        const imports = importPath(metafile, entryPoint, file) ?? [entryPoint, file];
        return [`${entryPoint} contains ${what}: ${imports.join(" imports ")}. ${instead}`];
      }),
    );
}

/**
 * @param {Metafile} metafile
 * @returns {string[]}
 */
function checkBuiltins({ inputs }) {
  return Object.entries(inputs)
    .filter(([path]) => packageOf(path) === undefined)
    .flatMap(([file, { imports }]) =>
      imports
        .filter(({ external, path }) => external && builtinModules.includes(path))
        .map(({ path }) => `${file} imports "${path}". Not every host knows that name: import "node:${path}".`),
    );
}
