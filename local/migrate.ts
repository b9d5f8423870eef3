import { join } from "node:path";
import type { ProcessConfig } from "../runtime/config/config.ts";
import { migrate, readMigrations } from "../runtime/drivers/sql/migrate.ts";
import { directUrl } from "../runtime/drivers/sql/neon-url.ts";
import { type AppliedMigration, type Migration, refuseUnknown } from "../runtime/drivers/sql/pending-migrations.ts";
import type { Sql, SqlDriver } from "../runtime/drivers/sql/sql.ts";
import { StillupError } from "../runtime/errors.ts";
import { createLog } from "../runtime/log.ts";
import { openDirectSql } from "./env.ts";
import { waitFor } from "./reachable.ts";
import type { StopSignal } from "./signals.ts";

interface MigrateOptions {
  readonly config: ProcessConfig;
  /** The folder that build.mjs writes. */
  readonly dist: string;
  readonly stop: StopSignal;
}

/** The `migrate` command: waits for the database, applies what is missing, says what that was. */
export async function runMigrate({ config, dist, stop }: MigrateOptions): Promise<void> {
  const log = createLog("migrate", config.logLevel);
  const sql = await openDirectSql(config);
  try {
    await waitFor(() => sql`select 1`, { variable: usedVariable(config), signal: stop.signal });
    const applied = await applyMigrations(sql, dist);
    log.info(applied.length === 0 ? "The schema is up to date." : "Migrations were applied.", { applied });
  } finally {
    await sql.close();
  }
}

/** The variable that the database for migrations comes from. */
export function usedVariable({ database }: ProcessConfig) {
  const isDerived = database.driver === "pglite" || database.directUrl === directUrl(database.url);
  return isDerived ? "DATABASE_URL" : "DATABASE_URL_DIRECT";
}

/** Applies what is missing of the build's migrations; resolves with their names. */
export async function applyMigrations(sql: SqlDriver, dist: string): Promise<string[]> {
  return migrate(sql, await readMigrations(join(dist, "migrations")));
}

/**
 * What a service asks of the database when it starts. An edited file does not stop it: that is for `migrate` to judge.
 * @throws StillupError `invalid_configuration` when the database lacks a migration of this build, or has a newer one that
 * is not compatible with it.
 */
export async function checkMigrated(sql: Sql, dist: string): Promise<void> {
  const { files, applied } = await readBoth(sql, dist);
  const missing = namesMissing(files, applied);
  if (missing.length > 0) {
    const detail = `The database in DATABASE_URL lacks the migrations ${missing.join(", ")}. Run the service migrate first.`;
    throw new StillupError("invalid_configuration", detail);
  }
  const last = files.at(-1)?.name ?? "";
  for (const row of applied) if (row.name > last) refuseUnknown(row, last);
}

/** The names of this build's migrations that the database lacks. */
export async function findMissingMigrations(sql: Sql, dist: string): Promise<string[]> {
  const { files, applied } = await readBoth(sql, dist);
  return namesMissing(files, applied);
}

type Applied = Pick<AppliedMigration, "name" | "compatible_with">;

async function readBoth(sql: Sql, dist: string) {
  const files = await readMigrations(join(dist, "migrations"));
  try {
    return { files, applied: await sql<Applied>`select name, compatible_with from schema_migrations` };
  } catch (error) {
    const hasNoTable = error instanceof StillupError && error.sqlState === "42P01";
    if (!hasNoTable) throw error;
    return { files, applied: [] };
  }
}

function namesMissing(files: readonly Migration[], applied: readonly Applied[]): string[] {
  return files.map(({ name }) => name).filter((name) => applied.every((row) => row.name !== name));
}
