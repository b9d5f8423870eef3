import type { Env } from "../../runtime/contract.ts";
import type { CheckResult } from "../checks/result.ts";
import type { ConfigOf, Kind } from "./kind.ts";

/** How the checks of a kind are made. */
export interface Probe<K extends Kind = Kind> {
  readonly kind: K;
  /** Makes one check, within `timeoutMs`. Never throws; null when `signal` aborted before anything was known. */
  check(
    ports: Pick<Env, "http">,
    config: ConfigOf<K["config"]>,
    call: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<CheckResult<K["outcomes"][number]> | null>;
}

/** A probe, with the types of its kind inferred. */
export function defineProbe<K extends Kind>(probe: Probe<K>): Probe<K> {
  return probe;
}
