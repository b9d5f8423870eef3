import { jitter } from "../../jitter.ts";
import { backoffMs } from "../../retry.ts";
import type { Message } from "./stream.ts";

/** How long to go without a read while wake-ups are heard. */
const safetyMs = 600_000;
/** The same while no wake-ups are heard, by the number of reads in a row that found nothing. */
const pausing = { firstMs: 1_000, maxMs: 10_000 };
/** So long after a message was added its wake-up has surely been heard, if wake-ups are heard at all. */
const surelyHeardMs = 5_000;

/** The result of a read. */
export interface WatchFound {
  readonly messages: Message[];
  /** Another read may find something at once. */
  readonly isMore: boolean;
}

/** A look at the stream, as of the time when it was requested. */
interface Look {
  readonly at: number;
  readonly wakes: number;
}

/**
 * Decides when a read is worth its cost. Wake-ups announce new messages; a read now and then makes up for wake-ups that
 * are lost.
 */
export interface Watch {
  /** Something was added, or may have been: also when wake-ups begin or cease to be heard. */
  wake(): void;
  /** How many milliseconds until a read is worth its cost; 0: now. */
  untilReadMs(): number;
  beginRead(): void;
  endRead(found: WatchFound): void;
  beginLook(): Look;
  /** The stream had no messages at that look, given out or not. */
  sawEmpty(look: Look): void;
  /** True when no message can have been pending for `minIdleMs`. */
  isNothingIdle(minIdleMs: number): boolean;
  /** Resolves after `ms`, or earlier when there may be something to read, or when `signal` aborts. */
  change(ms: number, signal: AbortSignal): Promise<void>;
}

export function createWatch(isHearing: () => boolean): Watch {
  const waiting = new Set<() => void>();
  let due = true;
  let readAt = 0;
  let emptyReads = 0;
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
      emptyReads = 0;
      notify();
    },
    untilReadMs() {
      if (due) return 0;
      const pauseMs = isHearing() ? safetyMs : backoffMs(emptyReads + 1, pausing);
      return Math.max(0, readAt + pauseMs * pauseFactor - performance.now());
    },
    beginRead() {
      // Before the answer, so that a wake-up that comes meanwhile is not forgotten.
      due = false;
      readAt = performance.now();
      pauseFactor = jitter(1, { max: 1 });
    },
    endRead({ messages, isMore }) {
      emptyReads = messages.length > 0 ? 0 : emptyReads + 1;
      if (!isMore) return;
      due = true;
      notify();
    },
    beginLook: () => ({ at: performance.now(), wakes: isHearing() ? wakes : -1 }),
    sawEmpty(look) {
      empty = look;
    },
    isNothingIdle(minIdleMs) {
      // What has been idle that long was added at least that long ago, and had its wake-up then.
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
