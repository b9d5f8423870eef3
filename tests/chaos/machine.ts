import { execFile } from "node:child_process";
import { arch, cpus, release, totalmem, type } from "node:os";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where a run was made, and with what. */
export interface Machine {
  /** The day, in UTC. */
  readonly date: string;
  readonly processor: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly docker: string;
  readonly compose: string;
  /** What was run; null where there is no git. */
  readonly commit: string | null;
}

export async function describeMachine(): Promise<Machine> {
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"} (${arch()})`,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    docker: await firstLine("docker", "version", "--format", "{{.Server.Version}}"),
    compose: await firstLine("docker", "compose", "version", "--short"),
    commit: await firstLine("git", "describe", "--always", "--dirty").catch(() => null),
  };
}

async function firstLine(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, args, { timeout: 20_000 });
  return stdout.split("\n")[0] ?? "";
}
