import type { RouterEntry } from "../../runtime/api/router.ts";
import type { Settings } from "../../runtime/config/settings.ts";
import type { Source } from "../../runtime/contract.ts";
import type { Metric } from "../../runtime/metrics.ts";
import type { LoadedFunctions } from "../../runtime/worker/start-functions.ts";
import type { OpenHttp } from "./bindings.ts";
import type { HostWork } from "./work.ts";

/** What one deployment holds: some functions or all. build/hosts.mjs writes the entry that says so. */
export interface Artefact extends LoadedFunctions {
  readonly routes: readonly RouterEntry[];
  /** What each worker of the build reads, also of those in other artefacts. */
  readonly sources: readonly Source[];
  /** The settings and metrics that the functions declare. */
  readonly settings: Settings;
  readonly metrics: readonly Metric[];
  /** Null where no function declares `http`: the client weighs more than all else. */
  readonly openHttp: OpenHttp | null;
  /** Null where there are no workers and no schedules. */
  readonly work: HostWork | null;
}

/** What runs this artefact's workers and schedules. Throws an Error when it holds none. */
export function workOf({ work }: Artefact): HostWork {
  if (work !== null) return work;
  throw new Error("This artefact answers requests alone: ticks and messages are for one that holds what runs on them.");
}
