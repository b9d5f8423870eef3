import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RouterEntry } from "../runtime/api/router.ts";
import type { ConsumeFunction, FetchFunction, ScheduledFunction } from "../runtime/contract.ts";
import type { Manifest, ManifestFunction } from "../runtime/manifest.ts";
import type { LoadedSchedule, LoadedWorker } from "../runtime/worker/start-functions.ts";

/** The functions of some services, loaded. */
export interface Functions {
  readonly routes: readonly RouterEntry[];
  readonly workers: readonly LoadedWorker[];
  readonly schedules: readonly LoadedSchedule[];
}

/** Every service answers these paths, not only the API. */
const everywhere = ["/healthz", "/readyz"];

/** Reads the manifest in the folder that build.mjs writes. */
export async function readManifest(dist: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(dist, "manifest.json"), "utf8"));
}

/** The functions that these services run, each once. */
export function functionsOf({ functions }: Manifest, services: readonly string[]): ManifestFunction[] {
  const hasWorker = (name: string) => services.includes(`worker-${name}`);
  return functions.filter((built) => {
    if (built.kind === "api") return services.includes("api") || everywhere.includes(built.route.path);
    return built.kind === "workers" ? hasWorker(built.name) : built.schedule.runsWith.some(hasWorker);
  });
}

/** Loads the bundles of these functions from the folder that build.mjs writes. */
export async function loadFunctions(dist: string, functions: readonly ManifestFunction[]): Promise<Functions> {
  // build.mjs checks that every bundle exports what its kind needs.
  const load = async <Fn>(file: string): Promise<Fn> => (await import(pathToFileURL(join(dist, file)).href)).default;
  const routes: RouterEntry[] = [];
  const workers: LoadedWorker[] = [];
  const schedules: LoadedSchedule[] = [];
  for (const built of functions) {
    if (built.kind === "api") routes.push({ ...built, fn: await load<FetchFunction>(built.file) });
    else if (built.kind === "workers") workers.push({ ...built, fn: await load<ConsumeFunction>(built.file) });
    else schedules.push({ ...built, fn: await load<ScheduledFunction>(built.file) });
  }
  return { routes, workers, schedules };
}
