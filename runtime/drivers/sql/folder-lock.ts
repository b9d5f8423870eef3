import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, readlink, rename, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StillupError } from "../../errors.ts";

/** Who has a folder. A pid alone says little: it is used again after a restart, and means nothing to other containers. */
interface Holder {
  readonly pid: number;
  /** When the process began, as the kernel counts it; null where the system does not tell. */
  readonly began: string | null;
  /** Processes in the same space see each other's pids. */
  readonly space: string;
}

const TOUCH_EVERY_MS = 1000;
/** A holder that cannot be asked is taken for dead when it does not touch its lock for so long. */
const SILENT_FOR_MS = 10_000;

/**
 * Keeps other processes out of a folder until the returned function is called or this process ends, however it ends.
 * The lock is a file beside the folder, `<folder>.lock.<pid>-<random>`.
 * @throws StillupError `database_unavailable` that names the folder and the process which has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = `${folder}.lock.${process.pid}-${randomBytes(4).toString("hex")}`;
  await mkdir(dirname(folder), { recursive: true });
  await writeFile(`${path}.new`, JSON.stringify(await self()));
  await rename(`${path}.new`, path);
  // Written before looking at the others: of two that start at once, at least one sees the other. No name is used
  // twice, so removing a dead one's lock cannot hit a living one's.
  const touching = setInterval(() => void touch(path), TOUCH_EVERY_MS).unref();
  const unlock = async () => {
    clearInterval(touching);
    await remove(path);
  };
  try {
    await checkOthers(folder, path);
    return unlock;
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function checkOthers(folder: string, own: string): Promise<void> {
  const prefix = `${basename(folder)}.lock.`;
  for (const name of await readdir(dirname(folder))) {
    const path = join(dirname(folder), name);
    if (!name.startsWith(prefix) || name.endsWith(".new") || path === own) continue;
    const holder = await readHolder(path);
    if (holder === null) continue;
    if (await isAlive(holder, path)) {
      const advice = `Stop it first; if it no longer exists, delete ${path}`;
      throw new StillupError("database_unavailable", `Process ${holder.pid} has the database in ${folder}. ${advice}`);
    }
    await remove(path);
  }
}

async function isAlive(holder: Holder, path: string): Promise<boolean> {
  const { space } = await self();
  if (holder.space === space) {
    if (!exists(holder.pid)) return false;
    const began = await beginningOf(holder.pid);
    if (began !== null && holder.began !== null) return began === holder.began;
  }
  return await isTouched(path);
}

/** Compares its times with each other, not with this machine's clock. */
async function isTouched(path: string): Promise<boolean> {
  const before = await touchedAt(path);
  for (let waited = 0; waited < SILENT_FOR_MS; waited += 250) {
    await sleep(250);
    if ((await touchedAt(path)) !== before) return true;
  }
  return false;
}

async function self(): Promise<Holder> {
  return { pid: process.pid, began: await beginningOf(process.pid), space: await spaceOfPids() };
}

async function spaceOfPids(): Promise<string> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${boot.trim()} ${await readlink("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

/** Field 22 of /proc/<pid>/stat; the second field, the name, may hold spaces and brackets. */
async function beginningOf(pid: number): Promise<string | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new StillupError("database_unavailable", `The lock ${path} cannot be read. Delete it if nothing uses it.`);
  }
}

async function touchedAt(path: string): Promise<number | null> {
  return await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  // It fails when the folder was removed meanwhile: then nothing is left to protect.
  await utimes(path, now, now).catch(() => {});
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}
