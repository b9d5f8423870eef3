import { jitter } from "../../jitter.ts";
import { backoffMs } from "../../retry.ts";
import type { Message } from "./stream.ts";

/** While every wake-up is heard, how long to go without looking. */
const safetyMs = 600_000;
/** While none is heard: how long to go without looking, by the number of looks in vain. */
const pausing = { firstMs: 1_000, maxMs: 10_000 };
/** How long after an entry was added its wake-up has surely been heard, where wake-ups are heard. */
const surelyHeardMs = 5_000;

/** What a read found. */
export interface WatchFound {
  readonly messages: Message[];
  /** Another might find something at once. */
  readonly isMore: boolean;
}

/** A look at the stream, from when it was asked for. */
interface Look {
  readonly at: number;
  readonly wakes: number;
}

/**
 * What one process knows of a stream and a group without asking, so that it need not ask: every command costs. WakeUps
 * tell of new entries; looking now and then makes up for those that are lost.
 */
export interface Watch {
  /** Something was added, or may have been: wake-ups began or ceased to be heard, say. */
  wake(): void;
  /** How long until it is worth reading: 0 for now. */
  untilReadMs(): number;
  beginRead(): void;
  endRead(found: WatchFound): void;
  beginLook(): Look;
  /** The stream had no entries at that look, delivered or not. */
  sawEmpty(look: Look): void;
  /** True when no entry can have been pending for `minIdleMs`. */
  isNothingIdle(minIdleMs: number): boolean;
  /** Resolves after `ms`, or earlier: when there may be something to read, or `signal` aborts. */
  change(ms: number, signal: AbortSignal): Promise<void>;
}

export function createWatch(isHearing: () => boolean): Watch {
  const waiting = new Set<() => void>();
  let due = true;
  let readAt = 0;
  let vainReads = 0;
  let pauseFactor = 1;
  let wakes = 0;
  let empty = { at: Number.NEGATIVE_INFINITY, wakes: -1 };
  const notify = () => {
    for (const wake of waiting) wake();
  };

  return {
    wake() {
      due = true;
      wakes++;
      vainReads = 0;
      notify();
    },
    untilReadMs() {
      if (due) return 0;
      const pauseMs = isHearing() ? safetyMs : backoffMs(vainReads + 1, pausing);
      return Math.max(0, readAt + pauseMs * pauseFactor - performance.now());
    },
    beginRead() {
      // Before the answer, so that a wake-up that wakes meanwhile is not forgotten.
      due = false;
      readAt = performance.now();
      pauseFactor = jitter(1, { max: 1 });
    },
    endRead({ messages, isMore }) {
      vainReads = messages.length > 0 ? 0 : vainReads + 1;
      if (!isMore) return;
      due = true;
      notify();
    },
    beginLook: () => ({ at: performance.now(), wakes: isHearing() ? wakes : -1 }),
    sawEmpty(look) {
      empty = look;
    },
    isNothingIdle(minIdleMs) {
      // What has been idle that long was added at least that long ago, and rang then.
      const isQuiet = empty.wakes === wakes && minIdleMs >= surelyHeardMs;
      return performance.now() - empty.at < (isQuiet ? safetyMs : minIdleMs);
    },
    change: (ms, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        const timer = setTimeout(wake, Math.ceil(ms));
        waiting.add(wake);
        signal.addEventListener("abort", wake);
        if (signal.aborted) wake();
      }),
  };
}
