// The module that a function host loads: which functions it runs, and with which drivers.
import { join, relative } from "node:path";
import { ROOT, requireBanner } from "./bundling.mjs";

/**
 * @import { BuildOptions } from "esbuild"
 * @import { HostName } from "../runtime/limits.ts"
 * @import { ManifestFunction } from "../runtime/manifest.ts"
 * @import { PlannedArtefact } from "./hosts.mjs"
 *
 * @typedef {{ readonly name: string, readonly from: string }} Export Where something is exported.
 *
 * @typedef {object} HostRecipe
 * @property {Export} handler Makes the host's handler of an artefact.
 * @property {(artefact: string) => string} exports The statement that exports the handler.
 * @property {Export} http The client for outgoing HTTP that runs there.
 * @property {Export} [answering] What routes need, where they need something of their own.
 * @property {BuildOptions} options
 */

/** What workers and schedules need, on every host. */
const WORK = { name: "work", from: "./hosts/shared/work.ts" };

/** @type {Readonly<Record<HostName, HostRecipe>>} */
export const HOSTS = {
  lambda: {
    handler: { name: "lambdaHandler", from: "./hosts/lambda/handler.ts" },
    exports: (artefact) => `export const handler = lambdaHandler(${artefact}, process.env);`,
    http: { name: "createUndiciHttp", from: "./runtime/drivers/http/undici.ts" },
    answering: { name: "answering", from: "./hosts/lambda/http.ts" },
    options: { platform: "node", banner: requireBanner },
  },
  cloudflare: {
    handler: { name: "cloudflareWorker", from: "./hosts/cloudflare/worker.ts" },
    exports: (artefact) => `export default cloudflareWorker(${artefact});`,
    http: { name: "createFetchHttp", from: "./runtime/drivers/http/fetch.ts" },
    // Its default entry asks fetch for an option that Workers do not have (`cache`).
    options: { platform: "neutral", alias: { "@upstash/redis": "@upstash/redis/cloudflare" } },
  },
  fetch: {
    handler: { name: "fetchHandler", from: "./hosts/fetch/handler.ts" },
    exports: (artefact) => `export default fetchHandler(${artefact}, process.env);`,
    http: { name: "createFetchHttp", from: "./runtime/drivers/http/fetch.ts" },
    options: { platform: "neutral" },
  },
};

/**
 * Whether this is the name of a function host.
 * @param {string} name
 * @returns {name is HostName}
 */
export function isHost(name) {
  return Object.hasOwn(HOSTS, name);
}

/** What functions are listed as in an artefact, and the metadata that goes with them. */
const LISTS = /** @type {const} */ ([
  ["routes", "api", "route"],
  ["workers", "workers", "source"],
  ["schedules", "schedules", "schedule"],
]);

/**
 * The entry's source. What no function of the artefact needs is null in it, so that it is not bundled.
 * @param {HostName} host
 * @param {PlannedArtefact} artefact
 * @param {{ data: Readonly<Record<string, unknown>>, root: string }} project `data` is what every artefact knows of the build
 */
export function entryModule(host, { functions, callsOut }, { data, root }) {
  const { handler, exports, http, answering } = HOSTS[host];
  const hasRoutes = functions.some(({ kind }) => kind === "api");
  const hasWork = functions.some(({ kind }) => kind !== "api");
  const parts = [
    part("openHttp", callsOut ? http : null),
    part("work", hasWork ? WORK : null),
    ...(answering === undefined ? [] : [part("answering", hasRoutes ? answering : null)]),
  ];
  const lists = LISTS.map(([list, kind, metadata]) => {
    const items = functions.flatMap((fn, index) => {
      const ports = fn.ports === undefined ? "" : `ports: f${index}.ports, `;
      const item = `{ name: "${fn.name}", ${ports}${metadata}: f${index}.${metadata}, fn: f${index}.default }`;
      return fn.kind === kind ? [item] : [];
    });
    return `${list}: [${items.join(", ")}]`;
  });
  const constants = Object.entries(data).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return [
    `import { ${handler.name} } from "${handler.from}";`,
    ...parts.map(({ statement }) => statement),
    ...functions.map((fn, index) => `import * as f${index} from "${pathOf(fn, root)}";`),
    exports(`{ ${[...lists, ...constants, ...parts.map(({ name }) => name)].join(", ")} }`),
  ].join("\n");
}

/**
 * @param {string} name
 * @param {Export | null} exported
 */
function part(name, exported) {
  const statement =
    exported === null ? `const ${name} = null;` : `import { ${exported.name} as ${name} } from "${exported.from}";`;
  return { name, statement };
}

/**
 * @param {ManifestFunction} fn
 * @param {string} root
 */
function pathOf({ kind, name }, root) {
  return `./${relative(ROOT, join(root, "functions", kind, `${name}.ts`))}`;
}
