import { errorFields, isTransient } from "../errors.ts";
import type { Log } from "../log.ts";

const LONGEST_MS = 5000;

/** Logs once that something fails and once that it works again, and says how long to wait between attempts. */
export interface Outage {
  /** Notes a failed attempt. Returns how long to wait before the next, in milliseconds, with jitter. */
  failed(error: unknown): number;
  /** Notes that it works. */
  over(): void;
}

/** `what` begins the log's sentence: "The stream checks.due", "The schedule apply-retention". */
export function createOutage(log: Log, what: string): Outage {
  let failures = 0;
  return {
    failed(error) {
      if (failures === 0) {
        const fields = isTransient(error) ? { error: String(error) } : errorFields(error);
        log.error(`${what} fails; it is retried until it works.`, fields);
      }
      failures += 1;
      return backoffMs(failures);
    },
    over() {
      if (failures > 0) log.warn(`${what} works again.`, { failedTries: failures });
      failures = 0;
    },
  };
}

/** 250 ms, doubled each time up to 5 s, each 50 to 100 % of that: replicas do not come back all at once. */
function backoffMs(failures: number): number {
  return Math.min(LONGEST_MS, 250 * 2 ** Math.min(failures - 1, 10)) * (0.5 + Math.random() / 2);
}
