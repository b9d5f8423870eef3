import type { HttpDriver, NetworkPolicy } from "../runtime/http/http.ts";
import type { Scheduled, Worker } from "../runtime/loop/working.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { RouterEntry } from "../runtime/router.ts";

/** What one deployment holds: some functions or all. build-hosts.mjs writes the entry that says so. */
export interface Artefact {
  readonly routes: readonly RouterEntry[];
  readonly workers: readonly Worker[];
  readonly schedules: readonly Scheduled[];
  /** Null where no function probes or sends: the client for it weighs more than all else. */
  readonly openHttp: OpenHttp | null;
}

export type OpenHttp = (options: {
  readonly policy: NetworkPolicy;
  readonly concurrency: number;
  readonly metrics: Metrics;
}) => HttpDriver;
