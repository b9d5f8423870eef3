import type { Sql, SqlDriver } from "../runtime/drivers/sql/sql.ts";

/** The time that all SQL of a test reads. It runs like the real one until it is set; then it stands still. */
export interface TestClock {
  now(): Promise<Date>;
  set(time: Date | string): Promise<void>;
  /** May be negative. */
  advance(seconds: number): Promise<void>;
}

/** Makes `app_now()` of a migrated database read the test's clock instead of the server's. */
export async function installClock(sql: SqlDriver): Promise<void> {
  await sql.script(`
    create schema if not exists testing;
    create table if not exists testing.clock (frozen_at timestamptz, ahead interval not null);
    delete from testing.clock;
    insert into testing.clock values (null, '0');
    create or replace function app_now() returns timestamptz language sql stable
    as 'select coalesce(frozen_at, statement_timestamp()) + ahead from testing.clock';
  `);
}

export function createClock(sql: Sql): TestClock {
  return {
    async now() {
      const [row] = await sql<{ now: Date }>`select app_now() as now`;
      if (row === undefined) throw new Error("The test's clock is not installed.");
      return row.now;
    },
    async set(time) {
      await sql`update testing.clock set frozen_at = ${time}, ahead = '0'`;
    },
    async advance(seconds) {
      await sql`update testing.clock set ahead = ahead + make_interval(secs => ${seconds})`;
    },
  };
}
