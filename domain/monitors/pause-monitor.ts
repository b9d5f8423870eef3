import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type MonitorRow, toMonitor } from "./row.ts";
import type { Monitor } from "./schema.ts";
import { stopMonitor } from "./stop-monitor.ts";

/**
 * Stops a monitor's checks until it is resumed, and cancels each pending `monitor.down` that no `monitor.up` will follow.
 * Throws StillupError `not_found`. Two statements in a transaction: the second one sees deliveries that were planned
 * while the first one waited.
 */
export async function pauseMonitor(sql: Sql, id: string): Promise<Monitor> {
  const [rows] = await sql.transaction([
    stopMonitor(sql, id, "paused"),
    sql`
      select cancel_deliveries(array(
        select id from deliveries d
        where monitor_id = ${id} and status = 'pending' and type = 'monitor.down' and not exists (
          select from deliveries up
          where up.monitor_id = d.monitor_id and up.channel_id = d.channel_id and up.type = 'monitor.up'
            and up.event_number > d.event_number
        )
      ))`,
  ]);
  const [row] = rows as MonitorRow[]; // of the first statement
  return toMonitor(orNotFound(row, "monitor"));
}
