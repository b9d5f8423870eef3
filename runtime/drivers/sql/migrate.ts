import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { StillupError } from "../../errors.ts";
import type { SqlDriver } from "./sql.ts";

export interface Migration {
  /** The file's name without `.sql`, such as `0001-main`. Names in their order are the order of the files. */
  readonly name: string;
  readonly text: string;
}

interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
}

/** Any number will do, as long as every version of Stillup takes the same. */
const LOCK = 7_784_523_101;
const ALREADY_APPLIED = "SU001";

/**
 * Reads a folder of `NNNN-name.sql` files.
 * @throws StillupError `invalid_configuration` for a name of another form or a number that stands twice.
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort();
  const numbers = files.map((file) => file.slice(0, 4));
  const odd = files.find(
    (file, index) => !/^\d{4}-[a-z0-9-]+\.sql$/.test(file) || numbers[index - 1] === numbers[index],
  );
  if (odd !== undefined) {
    throw new StillupError(
      "invalid_configuration",
      `${odd} in ${folder} must be named NNNN-name.sql, with its own number.`,
    );
  }
  return await Promise.all(
    files.map(async (file) => ({ name: file.slice(0, -4), text: await readFile(join(folder, file), "utf8") })),
  );
}

/**
 * Applies what is not applied yet, each file as one transaction. Any number of processes may do so at once. Resolves
 * with the names applied here.
 * @throws StillupError `invalid_configuration` when the database was migrated by other files than these, and
 * `database_error` that names the file whose SQL failed; the files before it stay applied.
 */
export async function migrate(sql: SqlDriver, migrations: readonly Migration[]): Promise<string[]> {
  await sql.script(`
    select pg_advisory_xact_lock(${LOCK});
    create table if not exists schema_migrations (
      name text primary key,
      checksum text not null,
      applied_at timestamptz not null default now()
    );
  `);
  const done: string[] = [];
  for (const migration of pending(migrations, await readApplied(sql))) {
    if (await apply(sql, migration)) done.push(migration.name);
  }
  // Others may have applied files meanwhile, and not the same.
  pending(migrations, await readApplied(sql));
  return done;
}

async function readApplied(sql: SqlDriver): Promise<AppliedMigration[]> {
  return await sql<AppliedMigration>`select name, checksum from schema_migrations order by name collate "C"`;
}

/** What is left to apply, once what is applied is found to be the beginning of these files. */
function pending(migrations: readonly Migration[], applied: readonly AppliedMigration[]): readonly Migration[] {
  const last = migrations.at(-1)?.name ?? "";
  for (const [index, { name, checksum }] of applied.entries()) {
    const migration = migrations.find((known) => known.name === name);
    if (migration === undefined) {
      throw refuse(
        name > last
          ? `The database has migration ${name}, which is newer than this version of Stillup. Run a newer version.`
          : `The database has migration ${name}, whose file is missing. Restore the file: applied ones must stay.`,
      );
    }
    if (checksumOf(migration.text) !== checksum) {
      throw refuse(`Migration ${name} was edited after it was applied. Restore it, and add a new file instead.`);
    }
    if (migrations[index] !== migration) {
      throw refuse(
        `Migration ${migrations[index]?.name} comes before ${name}, which is applied. Give it a higher number.`,
      );
    }
  }
  return migrations.slice(applied.length);
}

/**
 * The lock is taken inside the file's own transaction, so that no session must be kept and a pooler may stand between.
 * False when somebody else applied the file while this waited.
 */
async function apply(sql: SqlDriver, { name, text }: Migration): Promise<boolean> {
  try {
    await sql.script(`
      select pg_advisory_xact_lock(${LOCK});
      do $once$ begin
        if exists (select from schema_migrations where name = '${name}') then
          raise exception using errcode = '${ALREADY_APPLIED}';
        end if;
      end $once$;
      ${text}
      ;
      insert into schema_migrations (name, checksum) values ('${name}', '${checksumOf(text)}');
    `);
    return true;
  } catch (error) {
    if (!(error instanceof StillupError) || error.code !== "database_error") throw error;
    if (error.sqlState === ALREADY_APPLIED) return false;
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new StillupError("database_error", `Migration ${name} failed: ${reason}`, {
      cause: error,
      ...(error.sqlState === undefined ? {} : { sqlState: error.sqlState }),
    });
  }
}

/** The same for files that were checked out with other line ends. */
function checksumOf(text: string): string {
  return createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex");
}

function refuse(detail: string): StillupError {
  return new StillupError("invalid_configuration", detail);
}
