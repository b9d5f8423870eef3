import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type DeadLetterRow, toDeadLetter } from "./row.ts";
import type { DeadLetter } from "./schema.ts";

/** One dead letter, whole. Throws StillupError `not_found`. */
export async function getDeadLetter(sql: Sql, id: string): Promise<DeadLetter> {
  const [row] = await sql<DeadLetterRow>`select *, octet_length(body) as bytes from dead_letters where id = ${id}`;
  return toDeadLetter(orNotFound(row, "dead letter"));
}
