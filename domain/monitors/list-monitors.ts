import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { makePage, type PagePosition } from "../shared/page.ts";
import { type MonitorRow, toMonitor } from "./row.ts";
import type { MonitorQuery } from "./schema.ts";

/** Monitors, newest first. */
export async function listMonitors(sql: Sql, { limit, cursor, status, tag }: MonitorQuery) {
  const rows = await sql<MonitorRow & PagePosition>`
    select *, created_at::text as at
    from monitors
    where deleted_at is null
      and (created_at, id) < (${cursor.at}::text::timestamptz, ${cursor.id}::text)
      and (${status}::text is null or status = ${status}::text)
      and (${tag}::text is null or tags @> array[${tag}::text])
    order by created_at desc, id desc
    limit ${limit + 1}::int4`;
  return makePage(rows, limit, toMonitor);
}
