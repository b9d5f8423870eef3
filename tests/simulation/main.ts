import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { makeRuns } from "./pool.ts";
import { createProgress } from "./progress.ts";
import { Tally, table } from "./report.ts";
import { databaseSnapshot } from "./snapshot.ts";

export interface MainOptions {
  readonly root: string;
  /** worker.ts, bundled. */
  readonly program: string;
  readonly args: string[];
}

const USAGE = `npm run simulate -- [--runs 1000] [--seed N] [--processes ${availableParallelism()}] [--json]`;
const MOST_FAILURES = 3;

/** Makes runs and reports; resolves with the exit code. */
export async function main({ root, program, args }: MainOptions): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
      processes: { type: "string", default: String(availableParallelism()) },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [runs, seed, processes] = [values.runs, values.seed, values.processes].map(Number);
  if (values.help || !isCount(runs) || !isCount(processes) || !Number.isInteger(seed) || seed === undefined) {
    console.error(USAGE);
    return values.help ? 0 : 2;
  }
  const tally = new Tally(seed);
  const progress = createProgress(runs);
  const snapshotPath = await databaseSnapshot(root);
  await makeRuns({ program, snapshotPath, processes: Math.min(processes, runs) }, seedsFrom(seed, runs), {
    shrink: true,
    onDone(done) {
      tally.add(done);
      progress.show(tally.runs, tally.faultsInAll);
      return tally.sum().failed.length < MOST_FAILURES;
    },
  });
  progress.end();
  const summary = tally.sum();
  console.log(values.json ? JSON.stringify(summary, null, 2) : table(summary));
  return summary.failed.length === 0 ? 0 : 1;
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value > 0;
}

/** Every run has a seed of its own, so that one number is enough to make it again. */
function* seedsFrom(seed: number, runs: number): Generator<number> {
  for (let n = 0; n < runs; n++) yield seed + n;
}
