import { createHash, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { migrate, readMigrations } from "../runtime/drivers/sql/migrate.ts";
import { createPgliteSql } from "../runtime/drivers/sql/pglite.ts";
import type { SqlDriver } from "../runtime/drivers/sql/sql.ts";
import { installClock } from "./clock.ts";

const root = join(import.meta.dirname, "..");
const cache = join(root, "node_modules/.cache/stillup");

let shared: Promise<SqlDriver> | undefined;

/**
 * The test file's database in memory: migrated, with the test's clock, and without rows but those of the migrations.
 * Making one takes 2 s, loading one 0.3 s, emptying it 1 ms: so a made one is kept between runs, one is loaded for each
 * test file, and loaded anew when a test made or dropped tables.
 */
export async function emptyDatabase(): Promise<SqlDriver> {
  shared ??= loadDatabase();
  const sql = await shared;
  const [row] = await sql<{ whole: boolean }>`select testing.empty() as whole`;
  if (row?.whole) return sql;
  await sql.close();
  shared = loadDatabase();
  return await shared;
}

async function loadDatabase(): Promise<SqlDriver> {
  const path = join(cache, `database-${await fingerprint()}.tar`);
  const tar = await readFile(path).catch(async () => await makeDatabase(path));
  return await createPgliteSql({ snapshot: new Blob([tar]) });
}

/** Of all that goes into it. The date, too: the migrations make partitions for the days to come. */
async function fingerprint(): Promise<string> {
  const migrations = await readMigrations(join(root, "migrations"));
  const files = ["package-lock.json", "testing/test-database.ts", "testing/clock.ts"];
  const texts = await Promise.all(files.map((file) => readFile(join(root, file), "utf8")));
  const today = new Date().toISOString().slice(0, 10);
  return createHash("sha256")
    .update(JSON.stringify([migrations, texts, today]))
    .digest("hex")
    .slice(0, 16);
}

async function makeDatabase(path: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "stillup-database-"));
  try {
    const sql = await createPgliteSql({ dataDir: join(folder, "data") });
    await migrate(sql, await readMigrations(join(root, "migrations")));
    await installClock(sql);
    await sql.script(EMPTYING);
    await sql.close();
    const db = await PGlite.create(join(folder, "data"));
    const tar = Buffer.from(await (await db.dumpDataDir("none")).arrayBuffer());
    await db.close();
    await keep(tar, path);
    return tar;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Other processes may read and write it at the same time. */
async function keep(tar: Buffer, path: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const old = (await readdir(cache)).filter((file) => file.endsWith(".tar"));
  for (const file of old) await rm(join(cache, file), { force: true });
  const unfinished = `${path}.${randomUUID()}`;
  await writeFile(unfinished, tar);
  await rename(unfinished, path);
}

/** `testing.empty()` is false when there are other tables than the migrations made. */
const EMPTYING = `
  create table testing.tables as
  select c.oid::regclass::text as name, c.relispartition as is_part
  from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p');

  create table testing.rows (name text, row jsonb);
  do $$ declare each text; begin
    for each in select name from testing.tables where not is_part loop
      execute format('insert into testing.rows select %L, to_jsonb(t) from %s t', each, each);
    end loop;
  end $$;

  create function testing.empty() returns boolean language plpgsql
  set session_replication_role = replica as $$
  declare each text; begin
    update testing.clock set frozen_at = null, ahead = '0';
    if exists (
      (select name from testing.tables)
      except all
      (select c.oid::regclass::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p'))
    ) or (select count(*) from testing.tables) <>
      (select count(*) from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p'))
    then
      return false;
    end if;
    for each in select name from testing.tables where not is_part loop
      execute format('delete from %s', each);
    end loop;
    for each in select distinct name from testing.rows loop
      execute format(
        'insert into %1$s select r.* from testing.rows k, jsonb_populate_record(null::%1$s, k.row) r where k.name = %2$L',
        each, each
      );
    end loop;
    return true;
  end $$;
`;
