import type { Manifest } from "./runtime/manifest.ts";

export interface BuildOptions {
  /** The folder that holds functions/, local/ and migrations/; this project's own when left out. */
  readonly root?: string;
  /** `dist` of `root` when left out. */
  readonly outDir?: string;
  /** What a function's bundle must stay under. */
  readonly budgetBytes?: number;
}

export function build(options?: BuildOptions): Promise<Manifest>;
export function packedOpenApi(root?: string): Promise<string>;
export function watchSources(changed: () => Promise<unknown>, root?: string): () => void;
export function sizeTable(manifest: Manifest): string;
