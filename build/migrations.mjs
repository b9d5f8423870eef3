// Copies the migrations into dist/, and holds those that were released to their checksums.
import { createHash } from "node:crypto";
import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** The released migrations, name to sha256. What is not in there may still be edited. */
const RELEASED = "migrations/released.json";

/**
 * Checked here because a database refuses an edited file later: when an upgrade has stopped the services already.
 * @param {string} root
 * @throws {Error} that names the files which were edited after their release, and says what to do.
 */
export async function checkMigrations(root) {
  /** @type {Record<string, string>} */
  const released = JSON.parse(await readFile(join(root, RELEASED), "utf8"));
  const mistakes = await Promise.all(
    Object.entries(released).map(async ([name, checksum]) => {
      const file = `migrations/${name}.sql`;
      const text = await readFile(join(root, file), "utf8").catch(() => null);
      if (text !== null && checksumOf(text) === checksum) return [];
      const what = text === null ? "is missing" : "was edited after its release";
      return [
        `${file} ${what}: databases were migrated with the original. Put it back; a change of the schema needs a new file.`,
      ];
    }),
  );
  if (mistakes.flat().length > 0) throw new Error(mistakes.flat().join("\n"));
}

/**
 * @param {string} root
 * @param {string} outDir
 */
export async function copyMigrations(root, outDir) {
  const target = join(outDir, "migrations");
  await rm(target, { recursive: true, force: true });
  await cp(join(root, "migrations"), target, { recursive: true, filter: (path) => path !== join(root, RELEASED) });
}

/**
 * As runtime/drivers/sql/pending-migrations.ts has it: the same for files that were checked out with other line ends.
 * @param {string} text
 */
function checksumOf(text) {
  return createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex");
}
