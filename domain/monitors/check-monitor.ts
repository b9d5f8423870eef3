import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { StillupError } from "../../runtime/errors.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type MonitorRow, toMonitor } from "./row.ts";
import type { Monitor } from "./schema.ts";

/** Makes a monitor due at once. Throws StillupError `not_found`, or `monitor_paused`. */
export async function checkMonitor(sql: Sql, id: string): Promise<Monitor> {
  const [row] = await sql<MonitorRow>`
    with locked as materialized (
      select * from monitors where id = ${id} and deleted_at is null for update
    )
    select *, make_monitors_due(array[id]) from locked`;
  const monitor = toMonitor(orNotFound(row, "monitor"));
  if (monitor.status === "paused") throw new StillupError("monitor_paused", "Resume the monitor before checking it.");
  return monitor;
}
