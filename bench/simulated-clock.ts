/** Time that passes only when a test moves it. */
export interface SimulatedClock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /**
   * Lets `ms` pass, timer after timer. Before each, and at the end, `settled` is waited for: it resolves when all that
   * the timers before have set off has come to rest.
   */
  advance(ms: number, settled: () => Promise<void>): Promise<void>;
}

/**
 * Puts this process' `setTimeout`, `setInterval`, `performance.now` and `Date.now` on a clock that begins now and stands
 * still. Node's own timers, those of sockets and servers among them, go on by the real one.
 */
export function installSimulatedClock(): SimulatedClock {
  const began = Date.now();
  let elapsedMs = 0;
  const timers = new Set<SimulatedTimer>();
  const clock = { elapsedMs: () => elapsedMs, timers };

  const start = (run: () => void, ms = 0, isRepeated = false) => new SimulatedTimer(clock, { run, ms, isRepeated });
  const clear = (timer: unknown) => void (timer instanceof SimulatedTimer && timers.delete(timer));
  const replacements = {
    setTimeout: (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => start(() => run(...args), ms),
    setInterval: (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
      start(() => run(...args), ms, true),
    clearTimeout: clear,
    clearInterval: clear,
  };
  Object.assign(globalThis, replacements);
  performance.now = () => elapsedMs;
  Date.now = () => began + elapsedMs;

  return {
    nowMs: () => began + elapsedMs,
    async advance(ms, settled) {
      const until = elapsedMs + ms;
      for (;;) {
        await settled();
        const next = earliest(timers);
        if (next === undefined || next.at > until) break;
        elapsedMs = Math.max(elapsedMs, next.at);
        next.fire();
      }
      elapsedMs = until;
    },
  };
}

interface Ticking {
  elapsedMs(): number;
  readonly timers: Set<SimulatedTimer>;
}

/** What `setTimeout` gives in Node, as far as the drivers use it. */
class SimulatedTimer {
  at = 0;
  readonly #clock: Ticking;
  readonly #what: { readonly run: () => void; readonly ms: number; readonly isRepeated: boolean };

  constructor(clock: Ticking, what: { readonly run: () => void; readonly ms: number; readonly isRepeated: boolean }) {
    this.#clock = clock;
    this.#what = what;
    this.refresh();
  }

  refresh(): this {
    this.at = this.#clock.elapsedMs() + Math.max(1, this.#what.ms);
    this.#clock.timers.add(this);
    return this;
  }

  fire(): void {
    this.#clock.timers.delete(this);
    if (this.#what.isRepeated) this.refresh();
    this.#what.run();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

/** Of several at one time the one that was set first. */
function earliest(timers: ReadonlySet<SimulatedTimer>): SimulatedTimer | undefined {
  let first: SimulatedTimer | undefined;
  for (const timer of timers) {
    if (first === undefined || timer.at < first.at) first = timer;
  }
  return first;
}
