import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A started program of the local runtime. */
export interface Program {
  readonly pid: number;
  /** All that it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves with the match once stdout has one. Throws with all that was printed if the program ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, null when a signal ended it. */
  readonly exit: Promise<number | null>;
}

/** Runs `main.mjs` of a build with these arguments. Of this process' variables it gets none but `variables`. */
export function startProgram(
  dist: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(process.execPath, [join(dist, "local/main.mjs"), ...args], {
    env: { ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  let stdout = "";
  let stderr = "";
  let look = () => {};
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    stdout += part;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    stderr += part;
  });
  const exit = once(child, "close").then(([code]) => {
    process.off("exit", kill);
    return code as number | null;
  });
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        look = () => {
          const match = pattern.exec(stdout);
          if (match !== null) resolve(match);
        };
        look();
        void exit.then((code) => reject(new Error(`It ended with ${code} and had printed:\n${stdout}${stderr}`)));
      }),
    signal: (name) => void child.kill(name),
    exit,
  };
}
