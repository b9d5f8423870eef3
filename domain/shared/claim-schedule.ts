import type { Sql } from "../../runtime/drivers/sql/sql.ts";

interface ScheduleClaim {
  /** True for one caller of all processes: run the schedule now. */
  readonly mine: boolean;
  /** Until anybody's next turn, by the database's clock: `everySeconds`, or longer when there is nothing to do. */
  readonly nextInMs: number;
}

/** Asks for a turn to run a schedule. See `claim_schedule` in the migrations for when schedules sleep. */
export async function claimSchedule(sql: Sql, name: string, everySeconds: number): Promise<ScheduleClaim> {
  const [turn] = await sql<ScheduleClaim>`
    select mine, next_in_ms as "nextInMs" from claim_schedule(${name}, ${everySeconds}::float8)`;
  return turn ?? { mine: false, nextInMs: everySeconds * 1000 };
}
