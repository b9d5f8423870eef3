import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Migration, migrate, readMigrations } from "../../../../../runtime/drivers/sql/migrate.ts";
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
    ["edited", [{ ...first, text: "select 1" }, second], "0001-first was edited after it was applied"],
    ["missing", [second, third], "has migration 0001-first, whose file is missing"],
    ["newer than the code", [first], "has migration 0002-second, which is newer than this version"],
    ["preceded by a new one", [first, { ...third, name: "0001-late" }, second], "0001-late comes before 0002-second"],
  ])("that are applied and %s are refused", async (_, migrations, message) => {
    await migrate(sql, [first, second]);
    await expect(migrate(sql, migrations)).rejects.toMatchObject({
      code: "invalid_configuration",
      message: expect.stringContaining(message),
    });
    expect(await sql`select from schema_migrations`).toHaveLength(2);
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
