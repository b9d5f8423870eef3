import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";

/** Drops a message for good. Throws StillupError `not_found`. */
export async function deleteDeadLetter(sql: Sql, id: string): Promise<void> {
  const [row] = await sql`delete from dead_letters where id = ${id} returning id`;
  orNotFound(row, "dead letter");
}
