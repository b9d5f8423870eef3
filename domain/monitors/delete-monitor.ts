import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { stopMonitor } from "./stop-monitor.ts";

/**
 * Deletes a monitor and cancels its pending deliveries. Throws StillupError `not_found`. Several statements in a
 * transaction: the later ones see deliveries that were planned while the first one waited for the monitor's lock.
 */
export async function deleteMonitor(sql: Sql, id: string): Promise<void> {
  const [, deleted] = await sql.transaction([
    stopMonitor(sql, id, "deleted"),
    // It may hold secrets.
    sql`
      update monitors set deleted_at = app_now(), config = '{}'
      where id = ${id} and deleted_at is null
      returning id`,
    sql`
      select cancel_deliveries(array(select id from deliveries where monitor_id = ${id} and status = 'pending'))`,
  ]);
  orNotFound(deleted?.[0], "monitor");
}
