import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { bugs } from "./bugs.ts";
import { type Hunted, type HuntOptions, hunt } from "./hunt.ts";
import { makeRuns } from "./pool.ts";
import { createProgress } from "./progress.ts";
import { Tally, table } from "./report.ts";
import { databaseSnapshot } from "./snapshot.ts";

export interface MainOptions {
  readonly root: string;
  /** Bundles worker.ts, with sources changed by `edit`; resolves with its path. */
  bundle(name: string, edit: (path: string, text: string) => string): Promise<string>;
  readonly args: string[];
}

const USAGE = `npm run simulate -- [--runs 1000] [--seed N] [--processes ${availableParallelism()}] [--json]
npm run simulate -- --bugs [part of a bug's name] [--processes ${availableParallelism()}] [--json]

  --runs        how many runs, each of another seed
  --seed        the first run's seed, else by chance; the same seed makes the same run
  --processes   how many processes share the runs
  --bugs        breaks Stillup in each known way instead, and looks whether it is noticed
  --json        prints the figures as JSON`;
const MAX_FAILURES = 3;

/** Makes runs, or seeds bugs, and reports; resolves with the exit code. */
export async function main({ root, bundle, args }: MainOptions): Promise<number> {
  if (args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  const options = parseOptions(args);
  if (typeof options === "string") {
    console.error(`${options}\n\n${USAGE}`);
    return 2;
  }
  const { runs, seed, processes, named, json } = options;
  if (named !== null) return seedBugs({ root, bundle, processes, named, json });
  const program = await bundle("worker", (_, text) => text);
  return simulate({ root, program, runs, seed, processes, json });
}

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly processes: number;
  /** Part of the names of the bugs that are looked for; null: none are. */
  readonly named: string | null;
  readonly json: boolean;
}

/** Or which argument needs a change. */
function parseOptions(args: string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        runs: { type: "string", default: "1000" },
        seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
        processes: { type: "string", default: String(availableParallelism()) },
        bugs: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    const [runs = 0, seed = -1, processes = 0] = [values.runs, values.seed, values.processes].map(Number);
    if (!isCount(runs)) return "--runs must be a whole number from 1 on.";
    if (!isCount(processes)) return "--processes must be a whole number from 1 on.";
    if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31))
      return "--seed must be a whole number from 0 to 2147483647.";
    if (positionals.length > (values.bugs ? 1 : 0)) return `What is ${JSON.stringify(positionals.at(-1))}?`;
    return { runs, seed, processes, named: values.bugs ? (positionals[0] ?? "") : null, json: values.json };
  } catch (error) {
    return (error as Error).message.split(". ")[0] ?? "";
  }
}

interface SimulateOptions {
  readonly root: string;
  readonly program: string;
  readonly runs: number;
  readonly seed: number;
  readonly processes: number;
  readonly json: boolean;
}

async function simulate({ root, program, runs, seed, processes, json }: SimulateOptions): Promise<number> {
  const tally = new Tally(seed);
  const progress = createProgress(runs);
  const snapshotPath = await databaseSnapshot(root);
  await makeRuns({ program, snapshotPath, processes: Math.min(processes, runs) }, seedsFrom(seed, runs), {
    shrink: true,
    onDone(done) {
      tally.add(done);
      progress.show(tally.runs, tally.faultsInAll);
      return tally.sum().failed.length < MAX_FAILURES;
    },
  });
  progress.end();
  const summary = tally.sum();
  console.log(json ? JSON.stringify(summary, null, 2) : table(summary));
  return summary.failed.length === 0 ? 0 : 1;
}

interface SeedBugsOptions extends HuntOptions {
  readonly processes: number;
  /** Part of a name. */
  readonly named: string;
  readonly json: boolean;
}

async function seedBugs({ processes, named, json, ...options }: SeedBugsOptions): Promise<number> {
  await databaseSnapshot(options.root); // once, not by several at the same time
  const left = bugs.filter(({ name }) => name.includes(named));
  const hunted: Hunted[] = [];
  const work = async () => {
    for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
      const result = await hunt(options, bug);
      hunted.push(result);
      if (!json)
        console.log(`${result.outcome.padEnd(10)} ${result.bug} (${result.seconds} s)\n           ${result.by}`);
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  if (json) console.log(JSON.stringify(hunted, null, 2));
  return hunted.length > 0 && hunted.every(({ outcome }) => outcome !== "not caught") ? 0 : 1;
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value > 0;
}

/** Every run has a seed of its own, so that one number is enough to make it again. */
function* seedsFrom(seed: number, runs: number): Generator<number> {
  for (let n = 0; n < runs; n++) yield seed + n;
}
