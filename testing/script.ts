import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";

/** A script of tests/scripts, run as a process of its own. */
export interface Script {
  readonly pid: number;
  /** The next line that it prints; null once it has ended. */
  nextLine(): Promise<string | null>;
  /** Resolves with its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

const root = join(import.meta.dirname, "..");

/** Starts testing/scripts/<name>.ts. It must be ended by the test that starts it. */
export async function startScript(
  name: string,
  { args = [], variables = {} }: { args?: readonly string[]; variables?: Record<string, string> } = {},
): Promise<Script> {
  // Within node_modules, so that packages are found from there.
  const outfile = join(root, "node_modules/.cache/stillup", `${randomUUID()}.mjs`);
  await build({
    entryPoints: [join(root, "testing/scripts", `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "error",
  });
  const child = spawn(process.execPath, [outfile, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...variables },
  });
  return { pid: child.pid ?? 0, ...follow(child, outfile) };
}

function follow(child: ChildProcess, outfile: string): Omit<Script, "pid"> {
  const lines: AsyncIterator<string> = createInterface(child.stdout ?? process.stdin)[Symbol.asyncIterator]();
  return {
    async nextLine() {
      const next = await lines.next();
      return next.done ? null : next.value;
    },
    ended: once(child, "close").then(async ([code]) => {
      await rm(outfile, { force: true });
      return code as number | null;
    }),
    kill: (signal) => void child.kill(signal),
  };
}
