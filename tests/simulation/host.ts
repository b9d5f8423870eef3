import type { Trap } from "./faults.ts";
import type { Owner } from "./timeline.ts";

/** One life of one process. Killed, it never comes back: the next life is another host. */
export class Host implements Owner {
  alive = true;
  frozenUntil = 0;
  skewMs = 0;
  /** Statements of it that nothing came back of. */
  sqlTrouble = 0;
  readonly name: string;
  readonly traps: Trap[] = [];
  readonly #gone = new AbortController();

  constructor(name: string) {
    this.name = name;
  }

  /** Aborts when the process dies: services let go of what it waited for. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  die(): void {
    this.alive = false;
    this.#gone.abort();
  }
}
