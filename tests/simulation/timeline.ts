/** Whose event it is. What is dead does nothing any more; what is frozen does it when it thaws. */
export interface Owner {
  readonly alive: boolean;
  /** By the timeline's clock. */
  readonly frozenUntil: number;
  /** How far its clock on the wall is off. */
  readonly skewMs: number;
}

interface Event {
  at: number;
  readonly order: number;
  readonly owner: Owner | null;
  act: (() => unknown) | null;
}

export interface Scheduled {
  cancel(): void;
}

const realImmediate = setImmediate;

/**
 * Simulated time. Events happen one after the other, in the order of their times; whatever one sets going in the
 * process runs to its end before the next. So the same events come in the same order in every run.
 */
export class Timeline {
  /** Milliseconds since 1970. */
  now: number;
  /** Whose code runs. */
  current: Owner | null = null;
  /** Latest first. */
  readonly #events: Event[] = [];
  #scheduled = 0;

  constructor(startMs: number) {
    this.now = startMs;
  }

  /** Does `act` after `delayMs`, in the name of `owner`. */
  schedule(delayMs: number, owner: Owner | null, act: () => unknown): Scheduled {
    const event: Event = { at: this.now + Math.max(0, delayMs), order: this.#scheduled++, owner, act };
    this.#insert(event);
    return {
      cancel() {
        event.act = null;
      },
    };
  }

  /** Lets `ms` pass. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    for (let next = this.#events.at(-1); next !== undefined && next.at <= until; next = this.#events.at(-1)) {
      this.#events.pop();
      await this.#happen(next);
    }
    this.now = until;
  }

  /** Runs `act` now in the name of `owner`, and all that follows from it at once. */
  async as<T>(owner: Owner | null, act: () => T): Promise<Awaited<T>> {
    const before = this.current;
    this.current = owner;
    const result = await act();
    await settled();
    this.current = before;
    return result;
  }

  async #happen(event: Event): Promise<void> {
    const { owner, act } = event;
    if (act === null || owner?.alive === false) return;
    if (owner !== null && owner.frozenUntil > event.at) {
      event.at = owner.frozenUntil;
      this.#insert(event);
      return;
    }
    this.now = event.at;
    this.current = owner;
    await act();
    await settled();
    this.current = null;
  }

  #insert(event: Event): void {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#events[middle];
      if (other !== undefined && isLater(other, event)) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }
}

function isLater(a: Event, b: Event): boolean {
  return a.at > b.at || (a.at === b.at && a.order > b.order);
}

/** Every promise that could go on has. */
function settled(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}
