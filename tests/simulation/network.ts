import type { Faults, Point, Trap } from "./faults.ts";
import { API, type Host } from "./host.ts";
import type { Timeline } from "./timeline.ts";

/** One call of a process to a service and back. */
export interface Trip<T> {
  readonly point: Point;
  /** What the service does when the call is there. */
  carryOut(): Promise<T>;
  /** The answer does not come of itself, but from what else happens: time goes on meanwhile. */
  readonly blocks?: boolean;
  /** What the caller is told, `afterMs` later, when nothing comes back. Throws, or is an answer like others. */
  lost(): T;
  readonly lostAfterMs: number;
  /** Notified when the caller does not learn what was carried out, or too late. */
  unheard?(): void;
  /** Notified when it was not carried out. */
  undone?(): void;
}

const LATENCY_MS = 4;

export interface NetworkOptions {
  readonly timeline: Timeline;
  readonly random: () => number;
  readonly faults: Faults;
  /** Ends a process; its next life begins after `seconds`. */
  kill(host: Host, seconds: number): void;
  freeze(host: Host, seconds: number): void;
}

/** What lies between the processes and the services. Every call is an await point at which a trap may spring. */
export class Network {
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** Differs from call to call, so that calls overtake each other. */
  latencyMs(): number {
    return this.#options.random() * LATENCY_MS;
  }

  trip<T>(host: Host, trip: Trip<T>): Promise<T> {
    if (!host.alive) return new Promise(() => {});
    const { timeline, faults, kill } = this.#options;
    if (host.name !== API) faults.reached.add(trip.point);
    const trap = spring(host, trip.point);
    if (trap?.effect === "kill before") {
      faults.count("process killed before a call");
      trip.undone?.();
      kill(host, trap.seconds);
      return new Promise(() => {});
    }
    return new Promise((resolve, reject) => {
      const giveUp = () => timeline.schedule(trip.lostAfterMs, host, () => settle(() => trip.lost(), resolve, reject));
      if (trap?.effect === "lose call") {
        faults.count("call lost on its way");
        trip.undone?.();
        giveUp();
        return;
      }
      timeline.schedule(this.latencyMs(), null, () => {
        const done = trip.carryOut().then(
          (value) => () => value,
          (error: unknown) => () => {
            throw error;
          },
        );
        const answered = done.then((answer) => {
          const isHeard = this.#returns(host, trip, trap);
          if (isHeard === "never") giveUp();
          else timeline.schedule(this.latencyMs() + isHeard, host, () => settle(answer, resolve, reject));
        });
        return trip.blocks === true ? undefined : answered;
      });
    });
  }

  /** How late the answer is, in milliseconds. */
  #returns<T>(host: Host, trip: Trip<T>, trap: Trap | undefined): number | "never" {
    const { faults, kill, freeze } = this.#options;
    switch (trap?.effect) {
      case "kill after":
        faults.count("process killed after a call, before its answer");
        trip.unheard?.();
        kill(host, trap.seconds);
        return 0;
      case "freeze after":
        trip.unheard?.();
        freeze(host, trap.seconds);
        return 0;
      case "lose answer":
        faults.count("answer lost after it was carried out");
        trip.unheard?.();
        return "never";
      case "late":
        faults.count("answer late");
        return Math.min(trap.seconds * 250, 5000);
      default:
        return 0;
    }
  }
}

/** The host's trap for this point, if this is its moment. */
function spring(host: Host, point: Point): Trap | undefined {
  const at = host.traps.findIndex((trap) => trap.point === point);
  const trap = host.traps[at];
  if (trap === undefined) return undefined;
  if (trap.nth-- > 0) return undefined;
  host.traps.splice(at, 1);
  return trap;
}

function settle<T>(answer: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(answer());
  } catch (error) {
    reject(error);
  }
}
