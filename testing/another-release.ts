import { appendFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
/** What is installed, built, stored or secret. Git's history is not needed: a shallow clone has none. */
const LEFT_OUT = ["node_modules", "dist", ".git", ".data", ".env.secrets", "coverage"];

/** A copy of this tree in a folder of its own, to be edited until it is another release of Stillup. */
export interface AnotherRelease {
  readonly folder: string;
  /** Replaces a text of a file. Throws when the text is not in there exactly once. */
  replace(file: string, before: string, after: string): Promise<void>;
  /** Adds text to the end of a file. */
  append(file: string, text: string): Promise<void>;
  /** Adds a file, or overwrites it. */
  write(file: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

/** Copies this tree. What is installed here serves the copy, too. */
export async function copyRelease(): Promise<AnotherRelease> {
  const folder = await mkdtemp(join(tmpdir(), "stillup-release-"));
  await cp(root, folder, {
    recursive: true,
    filter: (path) => path === root || !LEFT_OUT.includes(basename(path)),
  });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  return {
    folder,
    async replace(file, before, after) {
      const parts = (await readFile(join(folder, file), "utf8")).split(before);
      if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${before}`);
      await writeFile(join(folder, file), parts.join(after));
    },
    append: (file, text) => appendFile(join(folder, file), text),
    async write(file, text) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
