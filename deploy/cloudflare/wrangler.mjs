// Wrangler's configuration, as an object: the API is the Worker `stillup`, and each worker is an environment of its own.

/** What the runtime's own behaviour is pinned to. */
const COMPATIBILITY_DATE = "2026-04-01";

/**
 * @import { Manifest, ManifestFunction } from "../../runtime/manifest.ts"
 * @typedef {Readonly<Record<string, string | undefined>>} Variables
 */

/**
 * @param {Manifest} manifest
 * @param {Variables} defaults of variables, as .env has them
 */
export function wranglerConfig({ functions }, { CONNECTIVITY_TARGETS, LOG_LEVEL }) {
  // Secrets are set beside them with `wrangler secret`.
  const vars = { DATABASE_DRIVER: "http", REDIS_DRIVER: "http", PUBLIC_URL: "", CONNECTIVITY_TARGETS, LOG_LEVEL };
  const workers = functions.filter(({ kind }) => kind === "workers");
  return {
    name: "stillup",
    main: artefact("api"),
    no_bundle: true,
    upload_source_maps: true,
    compatibility_date: COMPATIBILITY_DATE,
    compatibility_flags: ["nodejs_compat"],
    workers_dev: true,
    preview_urls: false,
    observability: { enabled: true },
    vars,
    env: Object.fromEntries(workers.map((worker) => [`worker-${worker.name}`, workerEnvironment(worker, vars)])),
  };
}

/**
 * @param {ManifestFunction} worker
 * @param {Variables} vars
 */
function workerEnvironment({ name }, vars) {
  return {
    name: `stillup-worker-${name}`,
    main: artefact(name),
    workers_dev: false,
    triggers: { crons: ["* * * * *"] },
    vars, // which environments do not inherit
  };
}

/** @param {string} name */
function artefact(name) {
  return `../../dist/hosts/cloudflare/${name}/index.mjs`;
}
