import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");

/** What `npm run simulate` prints with these arguments, and its exit code. */
export async function simulate(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = [join(root, "tests/simulation/simulate.mjs"), ...args];
  return promisify(execFile)(process.execPath, command, { cwd: root }).then(
    (ended) => ({ ...ended, code: 0 }),
    (ended) => ended,
  );
}
