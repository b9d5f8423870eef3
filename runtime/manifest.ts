import type { Route } from "./api/route.ts";
import type { Settings } from "./config/settings.ts";
import type { Ports, Schedule, Source } from "./contract.ts";
import type { Metric } from "./metrics.ts";

interface Built {
  /** The function file's base name. */
  readonly name: string;
  /** The bundle, relative to the folder of the manifest. */
  readonly file: string;
  readonly bytes: number;
  /** What it exports as `ports`; left out when it exports none. */
  readonly ports?: Ports;
}

/** One function of the build. */
export type ManifestFunction =
  /** A route's data. Its schemas stay in the bundle. */
  | (Built & { readonly kind: "api"; readonly route: Pick<Route, "method" | "path" | "auth" | "summary"> })
  | (Built & { readonly kind: "workers"; readonly source: Source })
  | (Built & { readonly kind: "schedules"; readonly schedule: Schedule });

/** `dist/manifest.json`: what a host of the functions must know. */
export interface Manifest {
  readonly functions: readonly ManifestFunction[];
  /** What domain/config.ts declares. */
  readonly settings: Settings;
  /** What domain/metrics.ts declares. */
  readonly metrics: readonly Metric[];
}

/** The services that run these functions: `api`, and `worker-<name>` for each worker. In containers each is a process. */
export function serviceNames({ functions }: Manifest): string[] {
  return ["api", ...functions.filter(({ kind }) => kind === "workers").map(({ name }) => `worker-${name}`)];
}

/** What each worker reads. */
export function sourcesOf({ functions }: Manifest): Source[] {
  return functions.flatMap((built) => (built.kind === "workers" ? [built.source] : []));
}
