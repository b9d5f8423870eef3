import type { Manifest } from "../runtime/manifest.ts";

/** The text of each file that repeats what the build knows, by its path in the repository. */
export function deploymentFiles(manifest: Manifest): Record<string, string>;
