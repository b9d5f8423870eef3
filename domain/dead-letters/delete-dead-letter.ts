import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { found } from "../shared/or-not-found.ts";

/** Drops a message for good. Throws StillupError `not_found`. */
export async function deleteSetApart(sql: Sql, id: string): Promise<void> {
  const [row] = await sql`delete from set_apart where id = ${id} returning id`;
  found(row, "set-apart message");
}
