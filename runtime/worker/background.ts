import { errorFields } from "../errors.ts";
import type { Log } from "../log.ts";

/** Work that goes on beside its caller: what `ctx.waitUntil` is given. */
export interface Background {
  waitUntil(work: Promise<unknown>): void;
  /** How much of it is still going on. */
  size(): number;
  /** Resolves when none is. */
  idle(): Promise<void>;
}

export function createBackground(log: Log): Background {
  const going = new Set<Promise<unknown>>();
  return {
    waitUntil(work) {
      const tracked = work
        .catch((error: unknown) => log.error("Background work failed.", errorFields(error)))
        .finally(() => going.delete(tracked));
      going.add(tracked);
    },
    size: () => going.size,
    async idle() {
      while (going.size > 0) await Promise.all(going);
    },
  };
}
