import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type MonitorRow, toMonitor } from "./row.ts";
import type { Monitor } from "./schema.ts";

/** Starts a paused monitor's checks again, at once. One that is not paused stays as it is. Throws `not_found`. */
export async function resumeMonitor(sql: Sql, id: string): Promise<Monitor> {
  const [row] = await sql<MonitorRow>`
    with locked as materialized (
      select * from monitors where id = ${id} and deleted_at is null for update
    ),
    resumed as (
      update monitors m
      set status = 'pending', status_since = app_now(), version = m.version + 1, revision = m.revision + 1,
        next_check_at = app_now()
      from locked l
      where m.id = l.id and l.status = 'paused'
      returning m.*
    ),
    changed as (
      insert into status_changes (monitor_id, version, status, at)
      select id, version, status, status_since from resumed
    )
    select *, wake_schedule('enqueue-checks') from resumed
    union all
    select *, null from locked where status <> 'paused'`;
  return toMonitor(orNotFound(row, "monitor"));
}
