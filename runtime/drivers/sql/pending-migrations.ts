import { createHash } from "node:crypto";
import { StillupError } from "../../errors.ts";

/** A file of `migrations/`. */
export interface Migration {
  /** The file's name without `.sql`, such as `0001-main`. Names in their order are the order of the files. */
  readonly name: string;
  readonly text: string;
}

/** A row of `schema_migrations`. */
export interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
  /** What the file's first line said, see `compatibleWith`. */
  readonly compatible_with: string | null;
  readonly applied_at: Date;
}

/** The same for files that were checked out with other line ends. */
export function checksumOf({ text }: Migration): string {
  return createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex");
}

/**
 * The oldest version of Stillup that can use a database with this migration, by the name of that version's newest
 * migration: the first line says `-- compatible-with: 0001-main`. Null without such a line: no older version can.
 */
export function compatibleWith({ text }: Migration): string | null {
  return /^-- compatible-with: (\d{4}-[a-z0-9-]+)\r?\n/.exec(text)?.[1] ?? null;
}

/**
 * What is left to apply. The database may have newer migrations, when they are compatible with these files.
 * @throws StillupError `invalid_configuration` when the database was migrated by other files than these.
 */
export function pendingMigrations(
  files: readonly Migration[],
  applied: readonly AppliedMigration[],
): readonly Migration[] {
  const last = files.at(-1)?.name ?? "";
  for (const [index, row] of applied.entries()) {
    const file = files.find(({ name }) => name === row.name);
    if (file === undefined) refuseUnknown(row, last);
    else refuseEdited(file, row);
    const expected = files[index];
    if (expected !== file) {
      throw refusal(
        `Migration ${expected?.name} comes before ${row.name}, which is applied already. Give it a higher number.`,
      );
    }
  }
  return files.slice(applied.length);
}

/**
 * Refuses a migration of the database that has no file here, unless it is newer than `last`, the newest file's name, and
 * compatible with it.
 */
export function refuseUnknown(
  { name, compatible_with }: Pick<AppliedMigration, "name" | "compatible_with">,
  last: string,
): void {
  if (name < last) {
    throw refusal(
      `The database has the migration ${name}, but its file is missing. Put the file back: applied ones must stay.`,
    );
  }
  if (compatible_with === null || compatible_with > last) {
    throw refusal(
      `The database has the migration ${name}, which is newer than this version of Stillup and not compatible with it. ` +
        "Nothing was changed. Run the newer version again, or restore a backup from before that migration.",
    );
  }
}

function refuseEdited(file: Migration, { name, checksum, applied_at }: AppliedMigration): void {
  if (checksumOf(file) === checksum) return;
  throw refusal(
    `The file migrations/${name}.sql is not the one that this database was migrated with on ` +
      `${applied_at.toISOString().slice(0, 10)}: it was edited afterwards. Nothing was changed, and services that run ` +
      "go on. Put the original file of your release back, and run migrate again. A change of the schema needs a new file.",
  );
}

function refusal(detail: string): StillupError {
  return new StillupError("invalid_configuration", detail);
}
