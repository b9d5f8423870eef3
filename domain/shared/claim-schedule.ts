import type { Sql } from "../../runtime/drivers/sql/sql.ts";

interface Turn {
  /** True for one caller of all processes: run the schedule now. */
  readonly mine: boolean;
  /** Until anybody's next turn, by the database's clock: `everySeconds`, or longer when there is nothing to do. */
  readonly nextInMs: number;
}

/** Asks for a turn to run a schedule. See `claim_turn` in the migrations for when schedules sleep. */
export async function claimTurn(sql: Sql, name: string, everySeconds: number): Promise<Turn> {
  const [turn] = await sql<Turn>`
    select mine, next_in_ms as "nextInMs" from claim_turn(${name}, ${everySeconds}::float8)`;
  return turn ?? { mine: false, nextInMs: everySeconds * 1000 };
}
