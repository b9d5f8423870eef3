import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { found } from "../shared/or-not-found.ts";
import { type SetApartRow, toSetApart } from "./row.ts";
import type { SetApart } from "./schema.ts";

/** One message set apart, whole. Throws StillupError `not_found`. */
export async function getSetApart(sql: Sql, id: string): Promise<SetApart> {
  const [row] = await sql<SetApartRow>`select *, octet_length(body) as bytes from set_apart where id = ${id}`;
  return toSetApart(found(row, "set-apart message"));
}
