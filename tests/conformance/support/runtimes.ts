import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const here = join(import.meta.dirname, "..");
/** Lambda's runtime client builds its own HTTP client: 44 s on two cores, more on a busy machine. */
const INSTALL_MS = 9 * 60_000;

/**
 * The folder in which the hosts' own runtimes are installed, by the lockfile in `folder`, this one's parent. The first time takes a
 * minute or two, and needs cmake, g++, make, python3 and xz.
 */
export async function installRuntimes(folder = here): Promise<string> {
  const cache = join(folder, "../../node_modules/.cache/stillup");
  const files = ["package.json", "package-lock.json"];
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name))));
  const digest = createHash("sha256").update(Buffer.concat(texts)).update(process.versions.modules).digest("hex");
  const installed = join(cache, `hosts-${digest.slice(0, 16)}`);
  if (await isThere(installed)) return installed;
  const draft = `${installed}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  for (const name of files) await cp(join(folder, name), join(draft, name));
  // Not `npm ci`: the lockfile may lack other systems' workerd.
  await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund"], { cwd: draft, timeout: INSTALL_MS });
  // Whole or not at all, however many install at once.
  await rename(draft, installed).catch(() => rm(draft, { recursive: true }));
  return installed;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
