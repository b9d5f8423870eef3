import type { Schedule, Source } from "./contract.ts";

interface Built {
  /** The function file's base name. */
  readonly name: string;
  /** The bundle, relative to the folder of the manifest. */
  readonly file: string;
  readonly bytes: number;
}

/** A route as it stands in the manifest: what of it is data. */
export interface ManifestRoute {
  readonly method: string;
  readonly path: string;
  readonly auth: string;
}

export type ManifestFunction =
  | (Built & { readonly kind: "api"; readonly route: ManifestRoute })
  | (Built & { readonly kind: "workers"; readonly source: Source })
  | (Built & { readonly kind: "schedules"; readonly schedule: Schedule });

/** `dist/manifest.json`: every function there is, for whoever runs them. */
export interface Manifest {
  readonly functions: readonly ManifestFunction[];
}
