/** @typedef {{ readonly bytes: number, readonly gzipBytes: number }} ArtefactBudget */

/** What the build's outputs must stay under. A cold start reads and compiles every byte. */
export const BUDGETS = {
  /** A function's bundle, minified, without drivers. */
  bundleBytes: 80_000,
  /** A function with its drivers over HTTP, for a function host. */
  artefact: { bytes: 360_000, gzipBytes: 110_000 },
  /** The same with a client for outgoing HTTP: undici alone is 523 KB. */
  callingArtefact: { bytes: 1_000_000, gzipBytes: 330_000 },
  /** `api`, `worker` and `all`, which contain many functions. */
  wholeArtefact: { bytes: 1_200_000, gzipBytes: 380_000 },
};

/** @param {number} bytes */
export function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} KB`;
}
