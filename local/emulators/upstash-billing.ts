/** The commands that Upstash charges for. Each command of a pipeline or a script counts by itself. */
export interface Billing {
  add(name: string, times?: number): void;
  addAll(calls: ReadonlyMap<string, number>): void;
  /** Commands so far, by name in lower case. */
  readonly byName: ReadonlyMap<string, number>;
}

export function createBilling(): Billing {
  const byName = new Map<string, number>();
  const add = (name: string, times = 1) => void byName.set(name, (byName.get(name) ?? 0) + times);
  return {
    byName,
    add,
    addAll(calls) {
      for (const [name, times] of calls) add(name, times);
    },
  };
}

/** The calls between two answers of INFO commandstats. Only there does Redis report what a script called. */
export function callsIn(before: string, after: string): Map<string, number> {
  const calls = countCalls(after);
  for (const [name, times] of countCalls(before)) calls.set(name, (calls.get(name) ?? 0) - times);
  calls.delete("info");
  return new Map([...calls].filter(([, times]) => times > 0));
}

function countCalls(stats: string): Map<string, number> {
  const calls = new Map<string, number>();
  // A subcommand has a line of its own: cmdstat_xinfo|consumers:calls=2,usec=...
  for (const [, name = "", times] of stats.matchAll(/^cmdstat_(\w+)[^:]*:calls=(\d+)/gm)) {
    calls.set(name, (calls.get(name) ?? 0) + Number(times));
  }
  return calls;
}
