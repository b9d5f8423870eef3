import { type FaultCounts, faultKinds, type Point, points } from "./faults.ts";
import { invariants } from "./violation.ts";
import type { Done } from "./worker.ts";

/** What a row of runs came to. */
export interface Summary {
  readonly seed: number;
  readonly runs: number;
  readonly faults: FaultCounts;
  readonly faultsInAll: number;
  /** Where faults could be injected, because workers came by. */
  readonly reached: readonly Point[];
  readonly alerts: number;
  readonly extraPosts: number;
  readonly simulatedHours: number;
  readonly seconds: number;
  readonly failed: readonly Done[];
}

/** Adds up runs as they are done. */
export class Tally {
  readonly #seed: number;
  readonly #startedAt = performance.now();
  readonly #faults: FaultCounts = {};
  readonly #failed: Done[] = [];
  readonly #reached = new Set<Point>();
  #runs = 0;
  #faultsInAll = 0;
  #alerts = 0;
  #extraPosts = 0;
  #simulatedMs = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  add(done: Done): void {
    this.#runs += 1;
    for (const kind of faultKinds) {
      const count = done.faults[kind] ?? 0;
      if (count === 0) continue;
      this.#faults[kind] = (this.#faults[kind] ?? 0) + count;
      this.#faultsInAll += count;
    }
    for (const point of done.reached) this.#reached.add(point);
    this.#alerts += done.alerts;
    this.#extraPosts += done.extraPosts;
    this.#simulatedMs += done.simulatedMs;
    if (done.violations.length > 0) this.#failed.push(done);
  }

  get runs(): number {
    return this.#runs;
  }

  get faultsInAll(): number {
    return this.#faultsInAll;
  }

  sum(): Summary {
    return {
      seed: this.#seed,
      runs: this.#runs,
      faults: this.#faults,
      faultsInAll: this.#faultsInAll,
      reached: points.filter((point) => this.#reached.has(point)),
      alerts: this.#alerts,
      extraPosts: this.#extraPosts,
      simulatedHours: Math.round(this.#simulatedMs / 360_000) / 10,
      seconds: Math.round((performance.now() - this.#startedAt) / 100) / 10,
      failed: this.#failed,
    };
  }
}

/** The summary for a person. */
export function table(summary: Summary): string {
  const { runs, seed, faults, faultsInAll, alerts, extraPosts, simulatedHours, seconds, failed } = summary;
  const row = (name: string, count: number) => `  ${name.padEnd(52)} ${count.toLocaleString("en").padStart(10)}`;
  return [
    "",
    "Faults injected",
    ...faultKinds.map((kind) => row(kind, faults[kind] ?? 0)),
    row("in all", faultsInAll),
    "",
    "Held at the end of every run",
    ...invariants.map((invariant) => `  ${brokenIn(invariant, failed) === 0 ? "yes" : "NO "}  ${invariant}`),
    "",
    `${runs.toLocaleString("en")} runs from seed ${seed}, ${simulatedHours} simulated hours, ${alerts} alerts taken and ${extraPosts} of them once more, in ${seconds} s.`,
    ...failed.flatMap(failure),
  ].join("\n");
}

function brokenIn(invariant: string, failed: readonly Done[]): number {
  return failed.filter((done) => done.violations.some((violation) => violation.invariant === invariant)).length;
}

function failure({ seed, violations, commands = [] }: Done): string[] {
  return [
    "",
    `Failed: npm run simulate -- --runs 1 --seed ${seed}`,
    ...violations.slice(0, 10).map(({ invariant, what }) => `  ${invariant}:\n    ${what}`),
    "  after these commands:",
    ...commands.map((command) => `    ${JSON.stringify(command)}`),
  ];
}
