import { errorFields, isTransient } from "../errors.ts";
import { jitter } from "../jitter.ts";
import type { Log } from "../log.ts";
import { backoffMs } from "../retry.ts";

/** Half to all of it is waited, so that replicas do not come back all at once. */
const BACKOFF = { firstMs: 250, maxMs: 5000 };

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
      return jitter(backoffMs(failures, BACKOFF), { min: 0.5, max: 1 });
    },
    over() {
      if (failures > 0) log.warn(`${what} works again.`, { failedTries: failures });
      failures = 0;
    },
  };
}
