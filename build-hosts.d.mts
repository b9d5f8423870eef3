import type { HostLimits, HostName } from "./runtime/limits.ts";

export interface HostBuildOptions {
  readonly host: HostName;
  /** A function's name, `api`, `worker` or `all`; every one of them when left out. */
  readonly only?: string | undefined;
  /** The folder that holds functions/; this project's own when left out. */
  readonly root?: string;
  readonly outDir?: string;
}

/** One artefact, ready to be deployed. */
export interface BuiltArtefact {
  readonly host: HostName;
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly gzipBytes: number;
  /** It probes or sends. */
  readonly callsOut: boolean;
  /** Lambda's alone. */
  readonly zip?: string;
  readonly zipBytes?: number;
}

export function buildHost(options: HostBuildOptions): Promise<BuiltArtefact[]>;
export function hostTable(built: readonly BuiltArtefact[]): string;
export function hostLimits(host: HostName): Promise<HostLimits & { readonly workSeconds: number }>;
