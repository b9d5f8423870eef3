import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { makePage, type PagePosition } from "../shared/page.ts";
import { type IncidentRow, toIncident } from "./row.ts";
import type { IncidentQuery } from "./schema.ts";

/** Incidents, newest first. `open` are all that are not resolved. */
export async function listIncidents(sql: Sql, { limit, cursor, status, monitorId }: IncidentQuery) {
  const rows = await sql<IncidentRow & PagePosition>`
    select *, confirmed_at::text as at
    from incidents
    where (confirmed_at, id) < (${cursor.at}::text::timestamptz, ${cursor.id}::text)
      and (${monitorId}::text is null or monitor_id = ${monitorId}::text)
      and case ${status}::text
        when 'open' then resolved_at is null
        when 'acknowledged' then resolved_at is null and acknowledged_at is not null
        when 'resolved' then resolved_at is not null
        else true
      end
    order by confirmed_at desc, id desc
    limit ${limit + 1}::int4`;
  return makePage(rows, limit, toIncident);
}
