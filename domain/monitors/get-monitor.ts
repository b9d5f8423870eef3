import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type MonitorRow, toMonitor } from "./row.ts";
import type { Monitor } from "./schema.ts";

/** One monitor. Throws StillupError `not_found`. */
export async function getMonitor(sql: Sql, id: string): Promise<Monitor> {
  const [row] = await sql<MonitorRow>`select * from monitors where id = ${id} and deleted_at is null`;
  return toMonitor(orNotFound(row, "monitor"));
}
