// What every use of esbuild here shares: options, errors, and how a bundle is loaded.
import { builtinModules, SourceMap } from "node:module";
import { resolve } from "node:path";
import * as esbuild from "esbuild";

/** This project's own folder. */
export const ROOT = resolve(import.meta.dirname, "..");

/** @satisfies {esbuild.BuildOptions} */
const common = {
  bundle: true,
  format: "esm",
  target: "node20",
  outExtension: { ".js": ".mjs" },
  charset: "utf8",
  logLevel: "silent",
  // An import from a file that exports nothing: esbuild only warns.
  logOverride: { "import-is-undefined": "error" },
};

/**
 * For what must run on any host.
 * @satisfies {esbuild.BuildOptions}
 */
export const portable = {
  platform: "neutral",
  mainFields: ["module", "main"],
  external: ["node:*", ...builtinModules],
};

/** Some packages are CommonJS and call require() for Node's own modules. */
export const requireBanner = {
  js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
};

/**
 * Bundles in memory: a build that fails writes nothing.
 * @param {esbuild.BuildOptions} options
 * @returns {Promise<esbuild.BuildResult<{ write: false, metafile: true }>>}
 * @throws {Error} whose message has a line for each mistake: the file, where in it, and what is wrong.
 */
export async function bundle(options) {
  try {
    return await esbuild.build({ ...common, ...options, write: false, metafile: true });
  } catch (error) {
    if (isBuildFailure(error)) throw new Error(error.errors.map(describeMessage).join("\n"), { cause: error });
    throw error;
  }
}

/**
 * @param {unknown} error
 * @returns {error is esbuild.BuildFailure}
 */
function isBuildFailure(error) {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}

/** @param {esbuild.Message} message */
function describeMessage({ text, location }) {
  if (location === null) return text;
  const { file, line, column, lineText } = location;
  return `${file}:${line}:${column + 1}: ${text}\n    ${lineText.trim()}`;
}

/**
 * The contents of one file that esbuild made.
 * @param {readonly esbuild.OutputFile[]} files
 * @param {string} path
 */
export function outputOf(files, path) {
  const output = files.find((file) => file.path === path);
  if (output === undefined) throw new Error(`esbuild did not make ${path}.`);
  return output.contents;
}

/**
 * What a bundle exports. The same bundle is loaded once.
 * @param {Uint8Array} contents
 * @returns {Promise<Record<string, unknown>>}
 */
export function load(contents) {
  return import(`data:text/javascript;base64,${Buffer.from(contents).toString("base64")}`);
}

/**
 * Where in the sources a bundle threw when it was loaded, such as `domain/shared/page.ts:12`; undefined when its stack
 * does not say.
 * @param {unknown} error
 * @param {Uint8Array} map of the bundle
 */
export function thrownAt(error, map) {
  const place = /data:text\/javascript[^\n]*?:(\d+):(\d+)\)?$/m.exec(error instanceof Error ? `${error.stack}` : "");
  if (place === null) return undefined;
  const entry = new SourceMap(JSON.parse(Buffer.from(map).toString())).findEntry(
    Number(place[1]) - 1,
    Number(place[2]) - 1,
  );
  if (!("originalSource" in entry)) return undefined;
  return `${entry.originalSource.replace(/^(\.\.\/)+/, "")}:${entry.originalLine + 1}`;
}

/**
 * An esbuild plugin: importing `name` gives, as its default export, this text.
 * @param {string} name
 * @param {string} text
 * @returns {esbuild.Plugin}
 */
export function virtualModule(name, text) {
  return {
    name,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: "virtual" }));
      onLoad({ filter: /.*/, namespace: "virtual" }, () => ({ contents: text, loader: "text" }));
    },
  };
}
