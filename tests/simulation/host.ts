import type { Trap } from "./faults.ts";
import type { Owner } from "./timeline.ts";

export interface Cut {
  readonly fromMs: number;
  untilMs: number;
}

/** The name of the API's process. */
export const API = "api";

/** One life of one process. Killed, it never comes back: the next life is another host. */
export class Host implements Owner {
  alive = true;
  frozenUntil = 0;
  skewMs = 0;
  /** Statements of it that nothing came back of. */
  sqlTrouble = 0;
  readonly name: string;
  readonly traps: Trap[] = [];
  /** When it can reach nothing outside, by the timeline's clock. */
  readonly cuts: Cut[];
  readonly #gone = new AbortController();

  constructor(name: string, cuts: Cut[] = []) {
    this.name = name;
    this.cuts = cuts;
  }

  /** Aborts when the process dies: services let go of what it waited for. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether it could reach nothing from one time to another. */
  isCut(fromMs: number, untilMs = fromMs): boolean {
    return this.cuts.some((cut) => cut.fromMs <= fromMs && untilMs < cut.untilMs);
  }

  die(): void {
    this.alive = false;
    this.#gone.abort();
  }
}
