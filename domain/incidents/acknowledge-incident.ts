import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { getIncident } from "./get-incident.ts";
import type { Incident } from "./schema.ts";

/** Notes that a person takes care of an incident; one that is resolved stays as it is. Throws `not_found`. */
export async function acknowledgeIncident(sql: Sql, id: string): Promise<Incident> {
  await sql`
    update incidents set acknowledged_at = app_now()
    where id = ${id} and resolved_at is null and acknowledged_at is null`;
  return getIncident(sql, id);
}
