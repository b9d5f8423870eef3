import type { Sql } from "../../runtime/drivers/sql/sql.ts";

interface ScheduleClaim {
  /** True for one of all processes that ask: it runs the schedule now. */
  readonly claimed: boolean;
  /** Until anybody can claim the next run, by the database's clock: `everySeconds`, or longer when there is nothing to do. */
  readonly nextInMs: number;
}

/** Claims a run of a schedule. See `claim_schedule` in the migrations for when schedules sleep. */
export async function claimSchedule(sql: Sql, name: string, everySeconds: number): Promise<ScheduleClaim> {
  const [claim] = await sql<ScheduleClaim>`
    select claimed, next_in_ms as "nextInMs" from claim_schedule(${name}, ${everySeconds}::float8)`;
  return claim ?? { claimed: false, nextInMs: everySeconds * 1000 };
}
