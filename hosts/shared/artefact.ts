import type { RouterEntry } from "../../runtime/api/router.ts";
import type { Settings } from "../../runtime/config/settings.ts";
import type { Source } from "../../runtime/contract.ts";
import type { HttpDriver, NetworkPolicy } from "../../runtime/drivers/http/http.ts";
import type { Metric, Metrics } from "../../runtime/metrics.ts";
import type { LoadedSchedule, LoadedWorker } from "../../runtime/worker/start-functions.ts";

/** What one deployment holds: some functions or all. build/hosts.mjs writes the entry that says so. */
export interface Artefact<W = unknown> {
  readonly routes: readonly RouterEntry[];
  readonly workers: readonly LoadedWorker[];
  readonly schedules: readonly LoadedSchedule[];
  /** What each worker of the build reads, also of those in other artefacts. */
  readonly sources: readonly Source[];
  /** The settings and metrics that the functions declare. */
  readonly settings: Settings;
  readonly metrics: readonly Metric[];
  /** Null where no function probes or sends: the client for it weighs more than all else. */
  readonly openHttp: OpenHttp | null;
  /** Null where there are no workers and no schedules. */
  readonly work: W | null;
}

/** What runs this artefact's workers and schedules. Throws an Error when it holds none. */
export function workOf<W>({ work }: Artefact<W>): W {
  if (work !== null) return work;
  throw new Error("This artefact answers requests alone: ticks and messages are for one that holds what runs on them.");
}

export type OpenHttp = (options: {
  readonly policy: NetworkPolicy;
  readonly concurrency: number;
  readonly metrics: Metrics;
}) => HttpDriver;
