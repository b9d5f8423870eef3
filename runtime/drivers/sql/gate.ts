import type { StillupError } from "../../errors.ts";
import { unavailable } from "./sql-error.ts";

/** Limits how many calls run at once, and how long each takes with its wait. */
interface Gate {
  /**
   * Calls `work` when there is room. The signal aborts with a StillupError when the time is over.
   * @throws StillupError `database_unavailable` when there is no room in time, or the gate is closed.
   */
  pass<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Refuses calls that wait, and lets those that run finish. Resolves when none runs, after 4 s at most. */
  close(): Promise<void>;
}

const MAX_WAITING = 1000;
const CLOSE_TIMEOUT_MS = 4000;

/** The part of its time that a call must still have to begin: nobody knows the result of one that is cut off. */
const MIN_LEFT = 0.1;

interface GatedCall {
  readonly abort: AbortController;
  readonly late: StillupError;
  readonly latestStart: number;
}

/** `place` names the database in messages. */
export function createGate(place: string, limit: number): Gate {
  const working = new Set<GatedCall>();
  const waiting = new Map<GatedCall, () => void>();
  let closed: Promise<void> | undefined;
  let onEmpty = () => {};

  const enter = async (call: GatedCall): Promise<void> => {
    if (closed !== undefined) throw unavailable(place, "the connections to it are closed");
    if (waiting.size >= MAX_WAITING) throw unavailable(place, `${MAX_WAITING} statements wait already`);
    if (working.size < limit) return void working.add(call);
    const { signal } = call.abort;
    await new Promise<void>((resolve, reject) => {
      waiting.set(call, resolve);
      signal.addEventListener("abort", () => waiting.delete(call) && reject(signal.reason));
    });
  };
  const leave = (call: GatedCall): void => {
    working.delete(call);
    for (const [next, begin] of waiting) {
      if (performance.now() > next.latestStart) {
        next.abort.abort(next.late);
        continue;
      }
      waiting.delete(next);
      working.add(next);
      begin();
      return;
    }
    if (working.size === 0) onEmpty();
  };
  const drain = async (): Promise<void> => {
    const reason = unavailable(place, "the connections to it are being closed");
    for (const call of waiting.keys()) call.abort.abort(reason);
    if (working.size === 0) return;
    const timer = setTimeout(() => {
      for (const call of working) call.abort.abort(reason);
    }, CLOSE_TIMEOUT_MS);
    await new Promise<void>((resolve) => {
      onEmpty = resolve;
    });
    clearTimeout(timer);
  };
  return {
    async pass(timeoutMs, work) {
      const call = {
        abort: new AbortController(),
        late: unavailable(place, `no answer within ${timeoutMs / 1000} s`),
        latestStart: performance.now() + timeoutMs * (1 - MIN_LEFT),
      };
      const timer = setTimeout(() => call.abort.abort(call.late), timeoutMs);
      try {
        await enter(call);
        return await work(call.abort.signal).finally(() => leave(call));
      } finally {
        clearTimeout(timer);
      }
    },
    close() {
      closed ??= drain();
      return closed;
    },
  };
}
