import type { Sql } from "../runtime/sql/sql.ts";

/**
 * True for the one caller, of all processes, whose turn it is to run a schedule. The turn after that comes
 * `everySeconds` later, by the database's clock, however many processes ask.
 */
export async function claimTurn(sql: Sql, name: string, everySeconds: number): Promise<boolean> {
  const rows = await sql`
    update schedules set next_run_at = app_now() + make_interval(secs => ${everySeconds}::float8), last_run_at = app_now()
    where name = ${name} and next_run_at <= app_now()
    returning name`;
  return rows.length > 0;
}
