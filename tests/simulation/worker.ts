// One process that makes runs for main.ts: it is told a seed, and answers with what came of it.
import * as fc from "fast-check";
import { type Command, commandWith, maxCommands, type Name } from "./commands.ts";
import { openDatabase } from "./database.ts";
import { type RunResult, run } from "./run.ts";

/** What main.ts asks for: the run of a seed, and of a failing one the fewest commands that fail. */
export interface Task {
  readonly seed: number;
  readonly shrink: boolean;
}

export interface Done extends RunResult {
  readonly seed: number;
  /** Of a failing run: the commands that are left of it. */
  readonly commands?: readonly Command[];
}

const SHRINKING_MS = 60_000;

const [snapshotPath = "", ...often] = process.argv.slice(2);
const command = commandWith(often as Name[]); // as pool.ts was given them
const commandLists = fc.noBias(fc.array(command, { maxLength: maxCommands, size: "max" }));
const database = await openDatabase(snapshotPath);

async function carryOut({ seed, shrink }: Task): Promise<Done> {
  const giveUpAt = performance.now() + SHRINKING_MS;
  let first: RunResult | undefined;
  let smallest: { readonly result: RunResult; readonly commands: readonly Command[] } | undefined;
  const property = fc.asyncProperty(commandLists, async (commands) => {
    // Not by fast-check's own limit: it would leave the run under way to meet the next one.
    if (first !== undefined && performance.now() > giveUpAt) return true;
    const result = await run(database, seed, commands);
    first ??= result;
    if (result.violations.length > 0) smallest = { result, commands };
    return result.violations.length === 0;
  });
  await fc.check(property, { seed, numRuns: 1, endOnFailure: !shrink });
  if (first === undefined) throw new Error("fast-check made no run.");
  if (smallest === undefined) return { ...first, seed };
  const { result, commands } = smallest;
  return { ...first, violations: result.violations, seed, commands };
}

process.on("message", (task: Task) => {
  // Should nobody be there to hear it any more, it is of no use.
  void carryOut(task).then((done) => process.send?.(done, undefined, undefined, () => {}));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
