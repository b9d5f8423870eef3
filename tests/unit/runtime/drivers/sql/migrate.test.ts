import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { migrate, readMigrations } from "../../../../../runtime/drivers/sql/migrate.ts";
import { compatibleWith, type Migration } from "../../../../../runtime/drivers/sql/pending-migrations.ts";
import { createPgliteSql } from "../../../../../runtime/drivers/sql/pglite.ts";
import { createPostgresSql } from "../../../../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../../../../runtime/drivers/sql/sql.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../../../testing/postgres.ts";

const first: Migration = { name: "0001-first", text: "create table a (n int); insert into a values (1); -- done" };
const second: Migration = {
  name: "0002-second",
  text: `
    create function add(x int, y int) returns int language plpgsql as $$
    begin
      return x + y;
    end $$;
    create table b as select add(n, 1) as n from a`,
};
const third: Migration = { name: "0003-third", text: "create table c (n int)" };

describe("Migrations", () => {
  let sql: SqlDriver;
  beforeAll(async () => {
    sql = await createPgliteSql();
  });
  beforeEach(() => sql.script("drop schema public cascade; create schema public"));
  afterAll(() => sql.close());

  test("are applied in order, once", async () => {
    expect(await migrate(sql, [first, second])).toEqual(["0001-first", "0002-second"]);
    expect(await sql`select n from b`).toEqual([{ n: 2 }]);
    expect(await migrate(sql, [first, second])).toEqual([]);
    expect(await migrate(sql, [first, second, third])).toEqual(["0003-third"]);
    const applied = await sql`select name, applied_at <= now() as dated from schema_migrations order by name`;
    expect(applied).toEqual([first, second, third].map(({ name }) => ({ name, dated: true })));
  });

  test("that fail are named and leave nothing behind, and those before them stay", async () => {
    const broken = { name: "0002-broken", text: "create table b (n int); insert into b values (1 / 0)" };
    await expect(migrate(sql, [first, broken, third])).rejects.toMatchObject({
      code: "database_error",
      sqlState: "22012",
      message: expect.stringContaining("Migration 0002-broken failed: division by zero"),
    });
    expect(await sql`select to_regclass('b') as b, to_regclass('c') as c`).toEqual([{ b: null, c: null }]);
    expect(await migrate(sql, [first, second, third])).toEqual(["0002-second", "0003-third"]);
  });

  test.each([
    ["edited", [{ ...first, text: "select 1" }, second], "migrations/0001-first.sql is not the one that this database"],
    ["missing", [second, third], "has the migration 0001-first, but its file is missing"],
    ["newer than the code", [first], "0002-second, which is newer than this version of Stillup and not compatible"],
    ["preceded by a new one", [first, { ...third, name: "0001-late" }, second], "0001-late comes before 0002-second"],
  ])("that are applied and %s are refused", async (_, migrations, message) => {
    await migrate(sql, [first, second]);
    await expect(migrate(sql, migrations)).rejects.toMatchObject({
      code: "invalid_configuration",
      message: expect.stringContaining(message),
    });
    expect(await sql`select from schema_migrations`).toHaveLength(2);
  });

  test("that were edited stop with a message that says which file, what happened and what to do", async () => {
    await migrate(sql, [first]);
    await sql`update schema_migrations set applied_at = '2026-03-01T12:00:00Z'`;
    const edited = { ...first, text: `${first.text} or not` };
    await expect(migrate(sql, [edited, second])).rejects.toMatchObject({
      message:
        "The file migrations/0001-first.sql is not the one that this database was migrated with on 2026-03-01: it was " +
        "edited afterwards. Nothing was changed, and services that run go on. Put the original file of your release " +
        "back, and run migrate again. A change of the schema needs a new file.",
    });
    expect(await sql`select to_regclass('b') as b`).toEqual([{ b: null }]);
  });

  describe("that are newer than the code and compatible with it", () => {
    const addition = (name: string, oldest: string): Migration => ({
      name,
      text: `-- compatible-with: ${oldest}\ncreate table t${name.slice(0, 4)} (n int)`,
    });
    const next = addition("0002-next", "0001-first");
    const later = addition("0003-later", "0001-first");

    test("are accepted, and nothing is applied", async () => {
      await migrate(sql, [first, next, later]);
      expect(await migrate(sql, [first, next])).toEqual([]);
      expect(await migrate(sql, [first])).toEqual([]);
    });

    test("are compatible with what the database was migrated with, whatever a newer file says", async () => {
      await migrate(sql, [first, { ...next, text: "create table t (n int)" }]);
      await expect(migrate(sql, [first])).rejects.toMatchObject({ code: "invalid_configuration" });
    });

    test("are refused by code that is older than the oldest that they name", async () => {
      await migrate(sql, [first, next, addition("0003-drop", "0002-next")]);
      expect(await migrate(sql, [first, next])).toEqual([]);
      await expect(migrate(sql, [first])).rejects.toMatchObject({
        message: expect.stringContaining("has the migration 0003-drop, which is newer than this version of Stillup"),
      });
    });

    test("do not excuse a file that was never applied", async () => {
      await migrate(sql, [first, later]);
      await expect(migrate(sql, [first, next])).rejects.toMatchObject({
        message: expect.stringContaining("0002-next comes before 0003-later"),
      });
    });
  });

  test("are the same with other line ends", async () => {
    const lines = { ...first, text: "select 1;\nselect 2;\n" };
    await migrate(sql, [lines]);
    expect(await migrate(sql, [{ ...lines, text: lines.text.replaceAll("\n", "\r\n") }])).toEqual([]);
  });

  test("of Stillup can be applied", async () => {
    const migrations = await readMigrations(join(import.meta.dirname, "../../../../../migrations"));
    expect(await migrate(sql, migrations)).toEqual(migrations.map(({ name }) => name));
    expect(await sql`select app_now() - statement_timestamp() as difference`).toEqual([{ difference: "00:00:00" }]);
  });
});

describe("A folder of migrations", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "stillup-migrations-"));
    return () => rm(folder, { recursive: true });
  });
  const write = async (...files: string[]) => {
    for (const file of files) await writeFile(join(folder, file), `-- ${file}`);
  };

  test("is read in order, SQL files alone", async () => {
    await write("0010-b.sql", "0002-a.sql", "README.md");
    expect(await readMigrations(folder)).toEqual([
      { name: "0002-a", text: "-- 0002-a.sql" },
      { name: "0010-b", text: "-- 0010-b.sql" },
    ]);
  });

  test.each([
    ["another form", ["1-a.sql"]],
    ["capitals", ["0001-A.sql"]],
    ["a number that stands twice", ["0001-a.sql", "0001-b.sql"]],
  ])("with a name of %s is refused", async (_, files) => {
    await write(...files);
    await expect(readMigrations(folder)).rejects.toMatchObject({ code: "invalid_configuration" });
  });

  test.each([
    ["names no file", "-- compatible"],
    ["names a file that is not there", "-- compatible-with: 0001-b"],
    ["names the file itself", "-- compatible-with: 0002-c"],
    ["has another form", "-- Compatible with 0001-a"],
  ])("with a mark that %s is refused", async (_, line) => {
    await write("0001-a.sql");
    await writeFile(join(folder, "0002-c.sql"), `${line}\nselect 1;`);
    await expect(readMigrations(folder)).rejects.toMatchObject({
      code: "invalid_configuration",
      message: expect.stringContaining("The first line of 0002-c.sql must read"),
    });
  });

  test("with a mark that names an earlier file is read", async () => {
    await write("0001-a.sql");
    await writeFile(join(folder, "0002-c.sql"), "-- compatible-with: 0001-a\r\nselect 1;");
    expect((await readMigrations(folder)).map(compatibleWith)).toEqual([null, "0001-a"]);
  });
});

const skipped = postgresMissing === null ? "" : ` (skipped: ${postgresMissing})`;
describe.skipIf(postgresMissing !== null)(`Migrations by many processes at once${skipped}`, () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  test("apply each file once, and all end well", async () => {
    const url = await postgres.createEmptyDatabase();
    const drivers = Array.from({ length: 6 }, () => createPostgresSql({ url }));
    const slow = { ...second, text: `${second.text}; select pg_sleep(0.1)` };
    const applied = await Promise.all(drivers.map((sql) => migrate(sql, [first, slow, third])));
    expect(applied.flat().sort()).toEqual([first, slow, third].map(({ name }) => name));
    await Promise.all(drivers.map((sql) => sql.close()));
    const sql = createPostgresSql({ url });
    expect(await sql`select n from a`).toEqual([{ n: 1 }]);
    await sql.close();
  });

  test("behind a pooler need no session of their own", async () => {
    const sql = createPostgresSql({ url: await postgres.createEmptyDatabase(), behindPooler: true });
    expect(await migrate(sql, [first, second])).toEqual(["0001-first", "0002-second"]);
    await sql.close();
  });
});
