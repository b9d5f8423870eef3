// Wrangler's configuration, as an object: the API is the Worker `stillup`, and each worker is an environment of its own.

/** What the runtime's own behaviour is pinned to. */
const COMPATIBILITY_DATE = "2026-04-01";
/** What is secret is put beside them with `wrangler secret`. */
const VARIABLES = { DATABASE_DRIVER: "http", REDIS_DRIVER: "http", PUBLIC_URL: "", LOG_LEVEL: "INFO" };

/** @param {import("../../runtime/manifest.ts").Manifest} manifest */
export function wranglerConfig({ functions }) {
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
    vars: VARIABLES,
    env: Object.fromEntries(workers.map((worker) => [`worker-${worker.name}`, workerEnvironment(worker)])),
  };
}

function workerEnvironment({ name }) {
  return {
    name: `stillup-worker-${name}`,
    main: artefact(name),
    workers_dev: false,
    triggers: { crons: ["* * * * *"] },
    vars: VARIABLES, // which environments do not inherit
  };
}

function artefact(name) {
  return `../../dist/hosts/cloudflare/${name}/index.mjs`;
}
