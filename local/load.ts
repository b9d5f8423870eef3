import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RouterEntry } from "../runtime/api/router.ts";
import type { ConsumeFunction, FetchFunction, ScheduledFunction } from "../runtime/contract.ts";
import type { Manifest } from "../runtime/manifest.ts";
import type { Scheduled, Worker } from "../runtime/worker/working.ts";

/** The services that run functions: one a process in containers, all of them in one with `npm start`. */
export const services = ["api", "worker-monitoring", "worker-status-change", "worker-notification"] as const;
export type Service = (typeof services)[number];

/** What services run. */
export interface Functions {
  readonly routes: readonly RouterEntry[];
  readonly workers: readonly Worker[];
  readonly schedules: readonly Scheduled[];
}

/** The paths that every process answers, not the API alone. */
const everywhere = ["/healthz", "/readyz"];

/** Loads the bundles that these services run from the folder that build.mjs writes, each once. */
export async function loadFunctions(dist: string, running: readonly Service[]): Promise<Functions> {
  const { functions } = JSON.parse(await readFile(join(dist, "manifest.json"), "utf8")) as Manifest;
  // build.mjs has seen that every bundle exports what its kind needs.
  const load = async <Fn>(file: string): Promise<Fn> => (await import(pathToFileURL(join(dist, file)).href)).default;
  const routes: RouterEntry[] = [];
  const workers: Worker[] = [];
  const schedules: Scheduled[] = [];
  for (const built of functions) {
    const { name, file } = built;
    if (built.kind === "api" && (running.includes("api") || everywhere.includes(built.route.path))) {
      routes.push({ route: built.route, fn: await load<FetchFunction>(file) });
    }
    if (built.kind === "workers" && running.some((service) => service === `worker-${name}`)) {
      workers.push({ name, source: built.source, fn: await load<ConsumeFunction>(file) });
    }
    if (built.kind === "schedules" && built.schedule.runsIn.some((service) => running.includes(service))) {
      schedules.push({ name, schedule: built.schedule, fn: await load<ScheduledFunction>(file) });
    }
  }
  return { routes, workers, schedules };
}
