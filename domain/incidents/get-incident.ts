import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type IncidentRow, toIncident } from "./row.ts";
import type { Incident } from "./schema.ts";

/** One incident. Throws StillupError `not_found`. */
export async function getIncident(sql: Sql, id: string): Promise<Incident> {
  const [row] = await sql<IncidentRow>`select * from incidents where id = ${id}`;
  return toIncident(orNotFound(row, "incident"));
}
