import type { Scheduled, Timeline } from "./timeline.ts";

/**
 * Puts the timeline in the place of the process' clocks and timers, and `random` in the place of its chance, so that the
 * real code runs on them. Call what it returns to have the real ones back.
 */
export function useVirtualClock(timeline: Timeline, random: () => number): () => void {
  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    dateNow: Date.now,
    random: Math.random,
    performanceNow: Object.getOwnPropertyDescriptor(performance, "now"),
  };
  const startMs = timeline.now;
  const setVirtual = (act: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    new VirtualTimer(timeline.schedule(ms, timeline.current, () => act(...args)));
  globalThis.setTimeout = setVirtual as unknown as typeof setTimeout; // all that is used of it here
  globalThis.clearTimeout = (timer) => {
    if ((timer as unknown) instanceof VirtualTimer) (timer as unknown as VirtualTimer).cancel();
    else real.clearTimeout(timer);
  };
  Date.now = () => Math.floor(timeline.now + (timeline.current?.skewMs ?? 0));
  Math.random = random;
  Object.defineProperty(performance, "now", { value: () => timeline.now - startMs, configurable: true });
  return () => {
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
    Date.now = real.dateNow;
    Math.random = real.random;
    if (real.performanceNow === undefined) Reflect.deleteProperty(performance, "now");
    else Object.defineProperty(performance, "now", real.performanceNow);
  };
}

class VirtualTimer {
  readonly #scheduled: Scheduled;

  constructor(scheduled: Scheduled) {
    this.#scheduled = scheduled;
  }

  cancel(): void {
    this.#scheduled.cancel();
  }

  unref(): this {
    return this;
  }
}
