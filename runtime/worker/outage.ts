import { errorFields, isTransient } from "../errors.ts";
import type { Log } from "../log.ts";

const LONGEST_MS = 5000;

/** Tells of a service's absence once, of its return once, and spaces the tries between. */
export interface Outage {
  /** Notes a failed try; resolves to how long to wait before the next, in milliseconds, jittered. */
  failed(error: unknown): number;
  /** Notes that it works. */
  over(): void;
}

/** `what` is the sentence's beginning: "The stream checks.due", "The schedule applyRetention". */
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
