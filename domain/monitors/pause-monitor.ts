import type { Sql } from "../../runtime/sql/sql.ts";
import { found } from "../found.ts";
import { toMonitor } from "./row.ts";
import type { Monitor } from "./schema.ts";
import { stopMonitor } from "./stop-monitor.ts";

/** Stops a monitor's checks until it is resumed. Throws StillupError `not_found`. */
export async function pauseMonitor(sql: Sql, id: string): Promise<Monitor> {
  const [row] = await stopMonitor(sql, id, "paused");
  return toMonitor(found(row, "monitor"));
}
