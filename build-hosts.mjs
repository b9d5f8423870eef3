// Artefacts for function hosts, into dist/hosts/<host>/: what a function needs there in one file, its drivers included.
//   node build.mjs --host lambda|cloudflare|fetch                   each function by itself, and `api`, `worker` and `all`
//   node build.mjs --host lambda|cloudflare|fetch --function NAME   one of them
// For Lambda a zip beside each. A table tells sizes and what the host cannot do.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { zipSync } from "fflate";
import { build, bundleAndImport, common, kilobytes, openApiModule, packageOf, requireBanner } from "./build.mjs";

const ROOT = import.meta.dirname;
const BUDGET = { bytes: 320_000, gzipBytes: 100_000 };
/** With a client for outgoing HTTP that sees connections: undici alone is 523 KB. */
const CALLING_BUDGET = { bytes: 900_000, gzipBytes: 300_000 };
/** Of what is deployed as one: api, worker and all. */
const WHOLE_BUDGET = { bytes: 1_000_000, gzipBytes: 330_000 };
const WHOLES = ["api", "worker", "all"];
/** Drivers that need sockets of their own, or files: none may be in an artefact. */
const NOT_OVER_HTTP = ["pg", "ioredis", "@electric-sql/pglite", "prom-client"];
/** Zip files keep local time in steps of 2 s since 1980: the first there is, so that the same input gives the same bytes. */
const ZIP_TIME = new Date(1980, 0, 1);

/** How each host is to find the handler, which client for outgoing HTTP runs there, and what only routes need of it. */
const HOSTS = {
  lambda: {
    exports: (artefact) => `export const handler = lambdaHandler(${artefact}, process.env);`,
    maker: "lambdaHandler",
    from: "./hosts/lambda/handler.ts",
    answering: { from: "./hosts/lambda/http.ts", name: "answering" },
    work: { from: "./hosts/lambda/work.ts", name: "work" },
    http: { from: "./runtime/drivers/http/undici.ts", name: "createUndiciHttp" },
    banner: requireBanner,
    platform: "node",
  },
  cloudflare: {
    exports: (artefact) => `export default cloudflareWorker(${artefact});`,
    maker: "cloudflareWorker",
    from: "./hosts/cloudflare/worker.ts",
    http: { from: "./runtime/drivers/http/fetch.ts", name: "createFetchHttp" },
    platform: "neutral",
    // Its other entry asks fetch for what Workers do not have (`cache`).
    alias: { "@upstash/redis": "@upstash/redis/cloudflare" },
  },
  fetch: {
    exports: (artefact) => `export default fetchHandler(${artefact}, process.env);`,
    maker: "fetchHandler",
    from: "./hosts/fetch/handler.ts",
    http: { from: "./runtime/drivers/http/fetch.ts", name: "createFetchHttp" },
    platform: "neutral",
  },
};

/**
 * Builds the artefacts of one host. Throws an Error that says what to change when one holds what it must not.
 * @param {import("./build-hosts.d.mts").HostBuildOptions} options
 * @returns {Promise<import("./build-hosts.d.mts").BuiltArtefact[]>}
 */
export async function buildHost({ host, only, root = ROOT, outDir = join(root, "dist") }) {
  if (HOSTS[host] === undefined)
    throw new Error(`There is no host ${host}; it is one of ${Object.keys(HOSTS).join(", ")}.`);
  const { functions, settings, metrics } = await build({ root, outDir });
  const calling = new Set(functions.filter(({ ports }) => ports?.http).map(({ name }) => name));
  const wanted = artefactsOf(functions).filter(({ name }) => only === undefined || name === only);
  if (wanted.length === 0)
    throw new Error(`There is no function ${only}; see dist/manifest.json, or api, worker, all.`);
  const folder = join(outDir, "hosts", host);
  if (only === undefined) await rm(folder, { recursive: true, force: true });
  const sources = functions.flatMap(({ kind, source }) => (kind === "workers" ? [source] : []));
  const data = { sources, settings, metrics };
  const { metafile } = await bundle(host, { wanted, calling, data, root, folder });
  const built = await Promise.all(wanted.map((artefact) => describe(host, { ...artefact, folder, calling })));
  const problems = [...checkBudgets(built), ...checkDrivers(metafile)];
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return built;
}

/** Each function, a worker with the schedules of its process, and what is deployed as one. */
function artefactsOf(functions) {
  const of = (kind) => functions.filter((fn) => fn.kind === kind);
  const schedulesOf = (name) => of("schedules").filter(({ schedule }) => schedule.runsWith.includes(name));
  const single = functions.map((fn) => {
    return { name: fn.name, functions: fn.kind === "workers" ? [fn, ...schedulesOf(fn.name)] : [fn] };
  });
  return [
    ...single,
    { name: "api", functions: of("api") },
    { name: "worker", functions: [...of("workers"), ...of("schedules")] },
    { name: "all", functions },
  ];
}

function bundle(host, { wanted, calling, data, root, folder }) {
  const { platform, banner = {}, alias = {} } = HOSTS[host];
  const entries = new Map(wanted.map((artefact) => [artefact.name, entryOf(host, { artefact, calling, data, root })]));
  return esbuild.build({
    ...common,
    absWorkingDir: ROOT,
    entryPoints: wanted.map(({ name }) => ({ in: `entry:${name}`, out: `${name}/index` })),
    outdir: folder,
    platform,
    alias,
    mainFields: ["module", "main"],
    external: ["node:*"],
    banner,
    minify: true,
    legalComments: "external",
    sourcemap: "linked",
    sourcesContent: false,
    plugins: [openApiModule(root), entryModules(entries)],
  });
}

/** The module that a host loads: which functions, made into its handler. */
function entryOf(host, { artefact: { functions }, calling, data, root }) {
  const {
    maker,
    from,
    exports,
    http,
    answering,
    work = { from: "./hosts/shared/work.ts", name: "work" },
  } = HOSTS[host];
  const path = ({ kind, name }) => `./${relative(ROOT, join(root, "functions", kind, `${name}.ts`))}`;
  const item = (fn, index, metadata) =>
    `{ name: "${fn.name}", ${[...(fn.ports ? ["ports"] : []), metadata].map((each) => `${each}: f${index}.${each}, `).join("")}fn: f${index}.default }`;
  const at = (kind, metadata) =>
    functions.flatMap((fn, index) => (fn.kind === kind ? [item(fn, index, metadata)] : []));
  const callsOut = functions.some(({ name }) => calling.has(name));
  const works = functions.some(({ kind }) => kind !== "api");
  const answers = functions.some(({ kind }) => kind === "api");
  const parts = {
    openHttp: callsOut && http,
    work: works && work,
    ...(answering === undefined ? {} : { answering: answers && answering }),
  };
  const lists = {
    routes: at("api", "route"),
    workers: at("workers", "source"),
    schedules: at("schedules", "schedule"),
  };
  const fields = Object.entries(lists).map(([name, items]) => `${name}: [${items.join(", ")}]`);
  return [
    `import { ${maker} } from "${from}";`,
    ...Object.entries(parts).map(([name, part]) =>
      part ? `import { ${part.name} as ${name} } from "${part.from}";` : `const ${name} = null;`,
    ),
    ...functions.map((fn, index) => `import * as f${index} from "${path(fn)}";`),
    exports(
      `{ ${[...fields, ...Object.entries(data).map(([name, value]) => `${name}: ${JSON.stringify(value)}`), ...Object.keys(parts)].join(", ")} }`,
    ),
  ].join("\n");
}

/** An esbuild plugin: the entries by their names. */
function entryModules(entries) {
  return {
    name: "entries",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice("entry:".length), namespace: "entry" }));
      onLoad({ filter: /.*/, namespace: "entry" }, ({ path }) => {
        return { contents: entries.get(path), loader: "js", resolveDir: ROOT };
      });
    },
  };
}

async function describe(host, { name, functions, folder, calling }) {
  const file = join(folder, name, "index.mjs");
  const code = await readFile(file);
  const callsOut = functions.some((fn) => calling.has(fn.name));
  const built = { host, name, file, bytes: code.length, gzipBytes: gzipSync(code, { level: 9 }).length, callsOut };
  if (host !== "lambda") return built;
  const zip = zipSync(
    { "index.mjs": code, "index.mjs.map": await readFile(`${file}.map`) },
    { level: 9, mtime: ZIP_TIME },
  );
  await writeFile(join(folder, `${name}.zip`), zip);
  return { ...built, zip: join(folder, `${name}.zip`), zipBytes: zip.length };
}

function checkBudgets(built) {
  return built.flatMap(({ name, bytes, gzipBytes, ...artefact }) => {
    const budget = budgetOf({ name, ...artefact });
    if (bytes < budget.bytes && gzipBytes < budget.gzipBytes) return [];
    const sizes = [bytes, gzipBytes, budget.bytes, budget.gzipBytes].map(kilobytes);
    return [`${name} is ${sizes[0]}, ${sizes[1]} gzipped; its budget is ${sizes[2]} and ${sizes[3]}`];
  });
}

function budgetOf({ name, callsOut }) {
  if (WHOLES.includes(name)) return WHOLE_BUDGET;
  return callsOut ? CALLING_BUDGET : BUDGET;
}

function checkDrivers({ outputs }) {
  return Object.values(outputs).flatMap(({ entryPoint, inputs }) => {
    const packages = new Set(Object.keys(inputs ?? {}).map(packageOf));
    const strays = NOT_OVER_HTTP.filter((name) => packages.has(name));
    return strays.map((name) => `${entryPoint} holds ${name}, which is not for function hosts`);
  });
}

/** @param {readonly import("./build-hosts.d.mts").BuiltArtefact[]} built */
export function hostTable(built) {
  const row = ({ name, bytes, gzipBytes, ...artefact }) => {
    const { bytes: most } = budgetOf({ name, ...artefact });
    const sizes = [bytes, gzipBytes, most].map((size) => kilobytes(size).padStart(9));
    return `${name.padEnd(24)}${sizes[0]}${sizes[1]} gzipped   of ${sizes[2]}`;
  };
  return built.map(row).join("\n");
}

/** What a host cannot do, or not quickly, as the API tells it; and how long a tick works unless it is told. */
export async function hostLimits(host) {
  const { defaultWorkSeconds, limitsOf } = await bundleAndImport({ entryPoints: [join(ROOT, "runtime/limits.ts")] });
  return { workSeconds: defaultWorkSeconds[host], ...limitsOf(host, defaultWorkSeconds[host]) };
}

function limitLines({ workSeconds, minIntervalSeconds, alertWithinSeconds, limitations }) {
  const ticks = `A tick each minute works for ${workSeconds} s (WORK_SECONDS)`;
  return [
    `${ticks}: intervals from ${minIntervalSeconds} s, alerts within ${alertWithinSeconds} s.`,
    ...limitations,
  ].join("\n");
}

/** The command line. */
export async function main(args) {
  try {
    const { values } = parseArgs({ args, options: { host: { type: "string" }, function: { type: "string" } } });
    const built = await buildHost({ host: values.host, only: values.function });
    console.log(`${hostTable(built)}\n\n${limitLines(await hostLimits(values.host))}`);
  } catch (error) {
    console.error(`The build failed.\n${error.message}`);
    process.exitCode = 1;
  }
}
