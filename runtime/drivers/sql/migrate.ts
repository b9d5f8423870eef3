import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { StillupError } from "../../errors.ts";
import {
  type AppliedMigration,
  checksumOf,
  compatibleWith,
  type Migration,
  pendingMigrations,
} from "./pending-migrations.ts";
import type { SqlDriver } from "./sql.ts";

/** Any number will do, as long as every version of Stillup takes the same. */
const LOCK = 7_784_523_101;
const ALREADY_APPLIED = "SU001";

/**
 * Reads a folder of `NNNN-name.sql` files.
 * @throws StillupError `invalid_configuration` for a name of another form, a number that two files have, or a
 * `-- compatible-with` line that names no earlier file.
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
  const migrations = await Promise.all(
    files.map(async (file) => ({ name: file.slice(0, -4), text: await readFile(join(folder, file), "utf8") })),
  );
  migrations.forEach((migration, index) => {
    refuseOddMark(migration, migrations.slice(0, index));
  });
  return migrations;
}

function refuseOddMark(migration: Migration, earlier: readonly Migration[]): void {
  if (!/^-- *compatible/i.test(migration.text)) return;
  const oldest = compatibleWith(migration);
  if (earlier.some(({ name }) => name === oldest)) return;
  throw new StillupError(
    "invalid_configuration",
    `The first line of ${migration.name}.sql must read "-- compatible-with: NNNN-name", with the name of an earlier file.`,
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
      compatible_with text,
      applied_at timestamptz not null default now()
    );
  `);
  const done: string[] = [];
  for (const migration of pendingMigrations(migrations, await readApplied(sql))) {
    if (await apply(sql, migration)) done.push(migration.name);
  }
  // Others may have applied files meanwhile, and not the same.
  pendingMigrations(migrations, await readApplied(sql));
  return done;
}

async function readApplied(sql: SqlDriver): Promise<AppliedMigration[]> {
  return await sql<AppliedMigration>`
    select name, checksum, compatible_with, applied_at from schema_migrations order by name collate "C"`;
}

/**
 * The lock is taken inside the file's own transaction, so that no session must be kept and a pooler may stand between.
 * False when somebody else applied the file while this waited.
 */
async function apply(sql: SqlDriver, migration: Migration): Promise<boolean> {
  const { name, text } = migration;
  const oldest = compatibleWith(migration);
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
      insert into schema_migrations (name, checksum, compatible_with)
      values ('${name}', '${checksumOf(migration)}', ${oldest === null ? "null" : `'${oldest}'`});
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
