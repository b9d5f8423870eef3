import { parseArgs } from "node:util";
import { HOSTS, isHost } from "./host-entry.mjs";

/**
 * @import { HostName } from "../runtime/limits.ts"
 *
 * @typedef {object} Arguments
 * @property {boolean} watch
 * @property {HostName} [host] Builds this host's artefacts.
 * @property {readonly string[]} [only] The artefacts to build; all when left out.
 */

/** How build.mjs is called. */
export const usage = `node build.mjs            builds dist/ once
node build.mjs --watch    builds dist/ again after each change
node build.mjs --host ${Object.keys(HOSTS).join("|")} [--function NAME]...
                          builds artefacts for a function host into dist/hosts/: each function by itself, and
                          api, worker and all; or only those that are named
`;

/**
 * @param {readonly string[]} args of the command line
 * @returns {Arguments}
 * @throws {Error} when they cannot be used.
 */
export function readArguments(args) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      watch: { type: "boolean", default: false },
      host: { type: "string" },
      function: { type: "string", multiple: true },
    },
  });
  const { watch, host, function: only } = values;
  if (host === undefined) {
    if (only !== undefined) throw new Error("--function needs --host.");
    return { watch };
  }
  if (!isHost(host)) throw new Error(`There is no host "${host}". Choose one of ${Object.keys(HOSTS).join(", ")}.`);
  if (watch) throw new Error("--watch builds only dist/. Leave out --host.");
  return { watch, host, ...(only === undefined ? {} : { only }) };
}
