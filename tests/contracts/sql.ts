import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SqlDriver } from "../../runtime/drivers/sql/sql.ts";
import { takesNoWrites } from "../../runtime/drivers/sql/sql-error.ts";
import type { StillupError } from "../../runtime/errors.ts";

/** Makes the port on an empty database. */
export type MakeSql = () => Promise<SqlDriver>;

/** What every adapter of the Sql port keeps. `skip` is why it cannot be run here. */
export function sqlContract(name: string, make: MakeSql, skip: string | null = null): void {
  describe.skipIf(skip !== null)(`The Sql port ${name}${skip === null ? "" : ` (skipped: ${skip})`}`, () => {
    let sql: SqlDriver;
    beforeAll(async () => {
      sql = await make();
      await sql.script("create table things (id int primary key, name text); create table log (n int)");
    });
    afterAll(() => sql.close());
    const only = async <T>(query: PromiseLike<T[]>): Promise<T | undefined> => (await query)[0];

    describe("values out", () => {
      const cases: [string, string, unknown][] = [
        ["text", "'a'::text", "a"],
        ["varchar", "'a'::varchar", "a"],
        ["int2", "7::int2", 7],
        ["int4", "(-2147483648)::int4", -2147483648],
        ["float4", "0.5::float4", 0.5],
        ["float8", "0.1::float8 + 0.2::float8", 0.30000000000000004],
        ["a boolean", "true", true],
        ["null", "null::int4", null],
        ["timestamptz", "'2026-03-01 12:00:00.123+02'::timestamptz", new Date("2026-03-01T10:00:00.123Z")],
        ["date", "'2026-03-01'::date", new Date("2026-03-01T00:00:00Z")],
        ["timestamp, read as UTC", "'2026-03-01 12:00:00'::timestamp", new Date("2026-03-01T12:00:00Z")],
        ["jsonb", `'{"a": [1, null, "x"]}'::jsonb`, { a: [1, null, "x"] }],
        ["json", "'[1]'::json", [1]],
        ["jsonb's null", "'null'::jsonb", null],
        ["int8, as its text", "9007199254740993::int8", "9007199254740993"],
        ["small int8, as its text", "1::int8", "1"],
        ["numeric, as its text", "1.50::numeric", "1.50"],
        ["a count, as its text", "(select count(*) from log)", "0"],
        ["a count cast to int4", "(select count(*)::int4 from log)", 0],
        ["an empty text[]", "'{}'::text[]", []],
        [
          "text[]",
          `array['a', null, 'NULL', '', 'x,y', 'q"q', 'b\\s', '{}', E'n\\nl']`,
          ["a", null, "NULL", "", "x,y", 'q"q', "b\\s", "{}", "n\nl"],
        ],
        ["uuid, as its text", "'00000000-0000-0000-0000-00000000000a'::uuid", "00000000-0000-0000-0000-00000000000a"],
        ["int4[], as its text", "array[1, 2]", "{1,2}"],
        ["interval, as its text", "interval '90 s'", "00:01:30"],
      ];
      test.each(cases)("%s", async (_, expression, value) => {
        // An expression is no value: this is how a template comes to be at run time.
        const strings = Object.assign([`select ${expression} as value`], { raw: [] });
        expect(await sql(strings)).toStrictEqual([{ value }]);
      });

      test("bytea, as a Buffer", async () => {
        const row = await only(sql`select '\\x00ff10'::bytea as value`);
        expect(row?.["value"]).toStrictEqual(Buffer.from([0, 255, 16]));
      });
    });

    describe("values in", () => {
      test("each type comes back as it went in", async () => {
        const at = new Date("2026-03-01T10:00:00.123Z");
        const tags = ["a", 'q"q', "x,y", "b\\s", "NULL", "", "{}", "ü"];
        const row = await only(sql`
          select ${"it's"}::text as text, ${42}::int4 as int4, ${0.1}::float8 as float8, ${true}::bool as yes,
            ${false}::bool as no, ${null}::text as nothing, ${at}::timestamptz as at, ${tags}::text[] as tags,
            ${[]}::text[] as none, ${"9007199254740993"}::int8 as int8, ${at}::date as date,
            ${"\\x00ff"}::bytea as bytes`);
        expect(row).toStrictEqual({
          text: "it's",
          int4: 42,
          float8: 0.1,
          yes: true,
          no: false,
          nothing: null,
          at,
          tags,
          none: [],
          int8: "9007199254740993",
          date: new Date("2026-03-01T00:00:00Z"),
          bytes: Buffer.from([0, 255]),
        });
      });

      test("an array's words can be looked for with any()", async () => {
        const rows = await sql`select 1 as found where ${"b"} = any(${["a", "b"]}::text[])`;
        expect(rows).toHaveLength(1);
      });

      test("JSON text becomes jsonb, with and without the cast to text", async () => {
        const json = JSON.stringify([{ a: "ü\n" }]);
        const row = await only(sql`select ${json}::jsonb as bare, ${json}::text::jsonb as cast`);
        expect(row).toStrictEqual({ bare: [{ a: "ü\n" }], cast: [{ a: "ü\n" }] });
      });

      test("rows travel as one jsonb parameter", async () => {
        const rows = [
          { id: "m1", at: "2026-03-01T10:00:00.123Z", ms: 1.5, ok: true, tags: ["a", "b"], detail: null },
          { id: "m2", at: "2026-03-01T10:00:01.000Z", ms: null, ok: false, tags: [], detail: 'say "x", \\ and ü' },
        ];
        const found = await sql`
          select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
            as r(id text, at timestamptz, ms float8, ok bool, tags text[], detail text)
          order by id`;
        expect(found).toStrictEqual(rows.map((row) => ({ ...row, at: new Date(row.at) })));
      });

      test("characters beyond the basic plane survive", async () => {
        const text = "snow ☃, goat 🐐, ﷺ, \u{10ffff}, \u0001 and a quote'";
        expect(await only(sql`select ${text}::text as text, length(${text}) as length`)).toStrictEqual({
          text,
          length: [...text].length,
        });
      });

      test("a megabyte goes in and out", async () => {
        const text = "ü".repeat(500_000);
        const row = await only(sql<{ text: string }>`select ${text}::text || 'x' as text`);
        expect(row?.text.length).toBe(500_001);
        expect(row?.text.startsWith("üü")).toBe(true);
      });

      test("a thousand rows come back", async () => {
        const rows = await sql<{ n: number }>`select n, repeat('x', 1000) as x from generate_series(1, 1000) as n`;
        expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
      });
    });

    describe("time", () => {
      test("sessions are in UTC", async () => {
        const row = await only(sql`
          select current_setting('TimeZone') as zone, date_trunc('day', '2026-03-01T01:00+02'::timestamptz) as day`);
        expect(row).toStrictEqual({ zone: "UTC", day: new Date("2026-02-28T00:00:00Z") });
      });
    });

    describe("errors", () => {
      const errorOf = async (query: PromiseLike<unknown>): Promise<StillupError> =>
        await query.then(
          () => Promise.reject(new Error("It did not fail.")),
          (error: StillupError) => error,
        );

      test("a broken rule is a database_error with its SQLSTATE, and says nothing of the values", async () => {
        await sql`insert into things values (1, 'one')`;
        const error = await errorOf(sql`insert into things values (1, ${"secret"})`);
        expect(error).toMatchObject({ code: "database_error", sqlState: "23505", transient: false });
        expect(error.message).not.toContain("secret");
        expect((error.cause as Error).message).toContain("insert into things values (1, $1)");
      });

      test.each([
        ["a syntax error", "42601", "selekt 1"],
        ["a table that does not exist", "42P01", "select * from nothing"],
        ["a division by zero", "22012", "select 1 / 0"],
        ["a serialization failure", "40001", "do $$ begin raise exception using errcode = '40001'; end $$"],
        ["a deadlock", "40P01", "do $$ begin raise exception using errcode = '40P01'; end $$"],
        ["several statements in one", "42601", "select 1; select 2"],
      ])("%s has its SQLSTATE", async (_, sqlState, text) => {
        const strings = Object.assign([text], { raw: [] });
        expect(await errorOf(sql(strings))).toMatchObject({ code: "database_error", sqlState });
      });

      test.each([
        ["a full disk", "53100"],
        ["no memory left", "53200"],
        ["a disk that fails", "58030"],
        ["a database that takes no writes", "25006"],
        ["an operator who ends the session", "57P01"],
        ["a session that was idle for too long", "57P05"],
      ])("%s is a database_unavailable, which passes", async (_, sqlState) => {
        const text = `do $$ begin raise exception 'no room' using errcode = '${sqlState}'; end $$`;
        const error = await errorOf(sql(Object.assign([text], { raw: [] })));
        expect(error).toMatchObject({ code: "database_unavailable", sqlState, transient: true });
        expect(error.message).toContain(`cannot be used: no room (SQLSTATE ${sqlState})`);
        expect(takesNoWrites(error)).toBe(["53100", "25006"].includes(sqlState));
      });

      test("a value of the wrong form is a database_error", async () => {
        expect(await errorOf(sql`select ${"x"}::int4`)).toMatchObject({ code: "database_error", sqlState: "22P02" });
        expect(await errorOf(sql`select ${"x"}::timestamptz`)).toMatchObject({ sqlState: "22007" });
        expect(await errorOf(sql`select ${"{"}::text::jsonb`)).toMatchObject({ sqlState: "22P02" });
      });

      test("NUL in a text is a database_error", async () => {
        expect(await errorOf(sql`select ${"a\0b"}::text`)).toMatchObject({ code: "database_error", sqlState: "22021" });
        expect(await errorOf(sql`select ${'"a\\u0000b"'}::text::jsonb`)).toMatchObject({ code: "database_error" });
      });

      test("a lone surrogate does no harm", async () => {
        expect(await only(sql`select ${"a\ud800b"}::text as text`)).toEqual({ text: "a\ufffdb" });
      });

      test("undefined is the caller's mistake, and nothing is sent", async () => {
        const value = undefined as unknown as string;
        await expect(async () => await sql`insert into log values (${value})`).rejects.toThrow(TypeError);
      });

      test("the next statement works", async () => {
        await errorOf(sql`select 1 / 0`);
        expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
      });
    });

    describe("when a statement is sent", () => {
      const count = async (n: number) => (await sql`select from log where n = ${n}`).length;

      test("not before it is awaited", async () => {
        const query = sql`insert into log values (100)`;
        expect(await count(100)).toBe(0);
        await query;
        expect(await count(100)).toBe(1);
      });

      test("once, however often it is awaited", async () => {
        const query = sql<{ n: number }>`insert into log values (101) returning n`;
        const [first, second] = await Promise.all([query, query]);
        expect([first, second, await query]).toEqual([[{ n: 101 }], [{ n: 101 }], [{ n: 101 }]]);
        expect(await count(101)).toBe(1);
      });

      test("once in a list, whose rows it then has", async () => {
        const query = sql<{ n: number }>`insert into log values (102) returning n`;
        await sql.transaction([query]);
        expect(await query).toEqual([{ n: 102 }]);
        expect(await count(102)).toBe(1);
      });

      test("never twice in lists", async () => {
        const query = sql`insert into log values (103)`;
        await expect(sql.transaction([query, query])).rejects.toThrow(TypeError);
        await sql.transaction([query]);
        await expect(sql.transaction([query])).rejects.toThrow(TypeError);
        expect(await count(103)).toBe(1);
      });

      test("the same template may be used side by side", async () => {
        const rows = await Promise.all(Array.from({ length: 50 }, (_, n) => sql`select ${n}::int4 as n`));
        expect(rows.flat()).toEqual(Array.from({ length: 50 }, (_, n) => ({ n })));
      });
    });

    describe("transactions", () => {
      const names = async () =>
        (await sql<{ name: string }>`select name from things where id >= 200 order by id`).map(({ name }) => name);

      test("run in order and answer with the rows of each", async () => {
        const results = await sql.transaction([
          sql`insert into things values (200, 'a')`,
          sql`update things set name = name || 'b' where id = 200 returning name`,
          sql`delete from things where id = 200 returning name, ${7}::int4 as seven`,
        ]);
        expect(results).toStrictEqual([[], [{ name: "ab" }], [{ name: "ab", seven: 7 }]]);
      });

      test("nothing of a list is kept when one of it fails, and its error is the list's", async () => {
        for (const round of [1, 2, 3]) {
          const list = sql.transaction([
            sql`insert into things values (201, 'a')`,
            sql`insert into things values (202, ${round === 2 ? null : "b"})`,
            sql`select 1 / ${0}::int4`,
            sql`insert into things values (203, 'c')`,
          ]);
          await expect(list).rejects.toMatchObject({ code: "database_error", sqlState: "22012" });
        }
        expect(await names()).toEqual([]);
      });

      test("what is only checked at the end fails the list", async () => {
        await sql.script("create table late (n int unique deferrable initially deferred)");
        const list = sql.transaction([sql`insert into late values (1)`, sql`insert into late values (1)`]);
        await expect(list).rejects.toMatchObject({ code: "database_error", sqlState: "23505" });
        expect(await sql`select from late`).toHaveLength(0);
      });

      test("many lists side by side keep apart", async () => {
        await sql`insert into things values (204, '')`;
        const lists = Array.from({ length: 20 }, async (_, n) => {
          const list = sql.transaction([
            sql`select name from things where id = 204 for update`,
            sql`update things set name = name || 'x' where id = 204`,
            n % 2 === 0 ? sql`select 1` : sql`select 1 / 0`,
          ]);
          return await list.then(
            () => true,
            () => false,
          );
        });
        expect((await Promise.all(lists)).filter(Boolean)).toHaveLength(10);
        expect(await names()).toEqual(["x".repeat(10)]);
        await sql`delete from things where id = 204`;
      });

      test("an empty list does nothing", async () => {
        expect(await sql.transaction([])).toEqual([]);
      });
    });

    describe("scripts", () => {
      test("many statements, bodies of functions and comments among them", async () => {
        await sql.script(`
          -- a comment; with a semicolon
          create function twice(n int) returns int language plpgsql as $$
          begin
            return n * 2; -- another
          end $$;
          create table scripted (n int);
          insert into scripted values (twice(21));
        `);
        expect(await sql`select n from scripted`).toEqual([{ n: 42 }]);
      });

      test("nothing is kept of a script that fails", async () => {
        const script = sql.script("create table half (n int); insert into half values (1 / 0); create table other ()");
        await expect(script).rejects.toMatchObject({ code: "database_error", sqlState: "22012" });
        expect(await only(sql`select to_regclass('half') as half`)).toEqual({ half: null });
      });
    });
  });
}
