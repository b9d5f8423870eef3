import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { applyMigrations, checkMigrated } from "../../../local/migrate.ts";
import { createPgliteSql } from "../../../runtime/drivers/sql/pglite.ts";
import type { SqlDriver } from "../../../runtime/drivers/sql/sql.ts";

let sql: SqlDriver;
let dist: string;
beforeAll(async () => {
  sql = await createPgliteSql();
});
afterAll(() => sql.close());
beforeEach(async () => {
  await sql.script("drop schema public cascade; create schema public");
  dist = await mkdtemp(join(tmpdir(), "stillup-dist-"));
  await mkdir(join(dist, "migrations"));
  return () => rm(dist, { recursive: true });
});

const write = (name: string, text: string) => writeFile(join(dist, "migrations", name), text);

describe("A service that starts", () => {
  it("needs every migration of its build", async () => {
    await write("0001-a.sql", "create table a (n int);");
    await expect(checkMigrated(sql, dist)).rejects.toMatchObject({
      message: "The database in DATABASE_URL lacks the migrations 0001-a. Run the service migrate first.",
    });
    await applyMigrations(sql, dist);
    await checkMigrated(sql, dist);
  });

  it("starts though a migration was edited, which stops the migrate command alone", async () => {
    await write("0001-a.sql", "create table a (n int);");
    await applyMigrations(sql, dist);
    await write("0001-a.sql", "create table a (n bigint);");
    await expect(applyMigrations(sql, dist)).rejects.toMatchObject({ code: "invalid_configuration" });
    await checkMigrated(sql, dist);
  });

  it("starts on a database that a newer version has migrated, if the migration is marked compatible", async () => {
    await write("0001-a.sql", "create table a (n int);");
    await write("0002-b.sql", "-- compatible-with: 0001-a\ncreate table b (n int);");
    await applyMigrations(sql, dist);
    await rm(join(dist, "migrations", "0002-b.sql"));
    expect(await applyMigrations(sql, dist)).toEqual([]);
    await checkMigrated(sql, dist);
  });

  it("refuses a database with a newer migration that is not marked compatible", async () => {
    await write("0001-a.sql", "create table a (n int);");
    await write("0002-b.sql", "create table b (n int);");
    await applyMigrations(sql, dist);
    await rm(join(dist, "migrations", "0002-b.sql"));
    await expect(checkMigrated(sql, dist)).rejects.toMatchObject({
      code: "invalid_configuration",
      message: expect.stringContaining("has the migration 0002-b, which is newer than this version of Stillup"),
    });
  });
});
