import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bug, editorOf, type Soon } from "./bugs.ts";
import { makeRuns } from "./pool.ts";
import { databaseSnapshot } from "./snapshot.ts";

/** What became of a bug. */
export interface Hunted {
  readonly bug: string;
  readonly outcome: "caught" | "not caught" | "skipped";
  /** What noticed it, or why it was not looked for. */
  readonly by: string;
  readonly seconds: number;
}

export interface HuntOptions {
  readonly root: string;
  /** Bundles worker.ts with changed sources; resolves with its path. */
  bundle(name: string, edit: (path: string, text: string) => string): Promise<string>;
}

/** Every bug is looked for in the same runs. */
const SEED = 1;

/** Seeds one bug and looks whether it is noticed as it says. One that does not fit the source any more is not. */
export async function hunt(options: HuntOptions, bug: Bug): Promise<Hunted> {
  const startedAt = performance.now();
  const { caughtBy } = bug;
  const looking = "runs" in caughtBy ? simulate(options, bug, caughtBy) : test(options, bug, caughtBy);
  const found = await looking.catch((error: unknown): Found => ({ outcome: "not caught", by: String(error) }));
  return { bug: bug.name, ...found, seconds: Math.round((performance.now() - startedAt) / 100) / 10 };
}

type Found = Pick<Hunted, "outcome" | "by">;

async function simulate({ root, bundle }: HuntOptions, bug: Bug, { runs: mostRuns, often = [] }: Soon): Promise<Found> {
  const { edit, unused } = editorOf(bug);
  const snapshotPath = await databaseSnapshot(root, edit);
  const program = await bundle(`bug-${bug.name.replaceAll(/\W+/g, "-")}`, edit);
  const [stray] = unused();
  if (stray !== undefined) throw new Error(`The bug "${bug.name}" changes ${stray.file}, which no worker holds`);
  const seeds = Array.from({ length: mostRuns }, (_, n) => SEED + n);
  let runs = 0;
  let found: Found = { outcome: "not caught", by: `${mostRuns} runs noticed nothing` };
  await makeRuns({ program, snapshotPath, processes: 1, often }, seeds, {
    shrink: false,
    onDone({ violations: [first] }) {
      runs += 1;
      if (first !== undefined) found = { outcome: "caught", by: `run ${runs} of ${mostRuns}: ${first.invariant}` };
      return first === undefined;
    },
  });
  return found;
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

async function test({ root }: HuntOptions, bug: Bug, { test, needs }: { test: string; needs: string }): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), "stillup-bug-"));
  const report = join(folder, "report.json");
  try {
    const args = ["run", "--config", "tests/simulation/vitest.config.ts", "--bail=1", test];
    const vitest = spawn(
      join(root, "node_modules/.bin/vitest"),
      [...args, "--reporter=json", `--outputFile=${report}`],
      {
        cwd: root,
        env: { ...process.env, STILLUP_BUG: bug.name },
        stdio: "ignore",
      },
    );
    await once(vitest, "exit");
    const { testResults } = JSON.parse(await readFile(report, "utf8")) as Report;
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    const failed = results.find(({ status }) => status === "failed");
    if (failed !== undefined) return { outcome: "caught", by: `${test}: ${failed.fullName}` };
    if (results.some(({ status }) => status === "passed")) return { outcome: "not caught", by: `${test} passed` };
    return { outcome: "skipped", by: `${test} has no ${needs} here` };
  } finally {
    await rm(folder, { recursive: true });
  }
}
