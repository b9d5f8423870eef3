import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { engineMissing } from "../compose/stack.ts";
import { figuresOf, type ModeFigures } from "./figures.ts";
import { describeMachine } from "./machine.ts";
import { modes } from "./modes.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { type Figures, failures, markdown, table } from "./report.ts";
import { type ModeRun, runMode } from "./run-mode.ts";

/** This file runs as dist/chaos/main.mjs. */
const FOLDER = import.meta.dirname;
const DOCUMENT = join(FOLDER, "../../docs/reliability.md");

/** What was started, to be stopped in the opposite order however the run ends. */
const stops: (() => Promise<unknown>)[] = [];
async function stopAll(): Promise<void> {
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop().catch(report);
}

function report(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
}

function progress(text: string): void {
  process.stderr.write(`${((performance.now() / 1000) | 0).toString().padStart(5)} s  ${text}\n`);
}

async function run(options: Options): Promise<Figures> {
  const { minutes, seed } = options;
  const found: ModeFigures[] = [];
  for (const name of options.modes) {
    const modeRun = await runMode(modes[name], { ...options, progress, stops }).finally(stopAll);
    found.push(figuresOf(name, modeRun));
    await keep(`${name}.json`, modeRun);
  }
  return { machine: await describeMachine(), minutes, seed, modes: found };
}

/** For whoever asks how it came to a figure. */
async function keep(file: string, { evidence }: ModeRun): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await writeFile(
    join(FOLDER, file),
    JSON.stringify({ ...evidence, receiversOf: Object.fromEntries(evidence.receiversOf) }),
  );
}

async function main(): Promise<void> {
  if (process.argv.includes("--help")) return void process.stdout.write(USAGE);
  const options = parseOptions(process.argv.slice(2));
  if (engineMissing !== null) throw new Error("No Docker engine with Compose answers: see that `docker info` works.");
  const figures = await run(options);
  if (options.modes.length === 2 && options.only === "") await writeFile(DOCUMENT, markdown(figures));
  console.log(options.json ? JSON.stringify(figures, null, 2) : table(figures));
  const failed = failures(figures);
  for (const failure of failed) console.error(failure);
  if (failed.length > 0) process.exitCode = 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void stopAll().finally(() => process.exit(130));
  });
}
try {
  await main();
} catch (error) {
  report(error);
  process.exitCode = 1;
}
