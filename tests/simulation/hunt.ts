import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bug, editorOf, type OnService, type Soon } from "./bugs.ts";
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

async function simulate({ root, bundle }: HuntOptions, bug: Bug, caughtBy: Soon): Promise<Found> {
  const { edit, unused } = editorOf(bug);
  const snapshotPath = await databaseSnapshot(root, edit);
  const program = await bundle(`bug-${bug.name.replaceAll(/\W+/g, "-")}`, edit);
  const [stray] = unused();
  if (stray !== undefined) throw new Error(`The bug "${bug.name}" changes ${stray.file}, which no worker holds`);
  const { runs: maxRuns, often = [], by } = caughtBy;
  const seeds = Array.from({ length: maxRuns }, (_, n) => SEED + n);
  let runs = 0;
  let found: Found = { outcome: "not caught", by: `${maxRuns} runs noticed nothing of it` };
  await makeRuns({ program, snapshotPath, processes: 1, often }, seeds, {
    shrink: false,
    onDone({ violations }) {
      runs += 1;
      // A piece of source that is merely broken fails everywhere, and says nothing of who would notice the bug.
      const failed = violations.find(({ invariant }) => invariant === "Nothing fails that no fault excuses");
      const noticed = violations.find(({ invariant }) => invariant === by);
      if (failed !== undefined) found = { outcome: "not caught", by: `run ${runs} of ${maxRuns}: ${failed.what}` };
      else if (noticed !== undefined) found = { outcome: "caught", by: `run ${runs} of ${maxRuns}: ${by}` };
      return failed === undefined && noticed === undefined;
    },
  });
  return found;
}

interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly title: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

async function test({ root }: HuntOptions, bug: Bug, caughtBy: OnService): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), "stillup-bug-"));
  const report = join(folder, "report.json");
  try {
    const args = [
      "run",
      "--config",
      "tests/simulation/vitest.config.ts",
      "--testNamePattern",
      caughtBy.by,
      caughtBy.test,
    ];
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
    return judge(JSON.parse(await readFile(report, "utf8")) as Report, caughtBy);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What a run of the tests says. Throws where the test that is to notice was not even there to be skipped. */
export function judge({ testResults }: Report, { test, by, error, needs }: OnService): Found {
  const named = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title }) => title.includes(by));
  const failures = named.flatMap(({ failureMessages }) => failureMessages);
  const expected = failures.some(
    (each) => each.includes("AssertionError") || (error !== undefined && each.includes(error)),
  );
  if (expected) return { outcome: "caught", by: `${test}: ${by}` };
  const broken = testResults.find(({ status }) => status === "failed");
  if (broken !== undefined) {
    const why = failures[0] ?? broken.message;
    throw new Error(`${test} failed, but not what it expects where it says "${by}": ${why}`);
  }
  if (named.length === 0) throw new Error(`${test} has no test that says "${by}"`);
  if (named.some(({ status }) => status === "passed")) return { outcome: "not caught", by: `${test} passed` };
  return { outcome: "skipped", by: `${test} has no ${needs} here` };
}
