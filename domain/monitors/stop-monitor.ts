import type { Query, Sql } from "../../runtime/drivers/sql/sql.ts";
import type { MonitorRow } from "./row.ts";

/**
 * Stops a monitor's checks and closes its open incident, without an alert: what is not told yet never will be. The row
 * is locked first, and everything is decided on it: it has all of the incident, whose own row is seen as it was before
 * the wait for the lock. A monitor that is paused already stays as it is. Answers its row, or none.
 */
export function stopMonitor(sql: Sql, id: string, resolution: "paused" | "deleted"): Query<MonitorRow> {
  return sql<MonitorRow>`
    with locked as materialized (
      select * from monitors where id = ${id} and deleted_at is null for update
    ),
    stopped as (
      update monitors m
      set status = 'paused', status_since = app_now(), version = m.version + 1, revision = m.revision + 1,
        reported_down = false, pending_events = '[]', incident = null, streak = 0, streak_since = null,
        streak_check = null, waiting_since = null
      from locked l
      where m.id = l.id and l.status <> 'paused'
      returning m.*
    ),
    noted as (
      insert into status_changes (monitor_id, version, status, at)
      select id, version, status, status_since from stopped
    ),
    closed as materialized (
      select write_incident(incident || jsonb_build_object('resolvedAt', iso(app_now()), 'resolution', ${resolution}::text))
      from locked
      where status <> 'paused' and incident is not null
    )
    select *, (select count(*) from closed) from stopped -- counted, because Postgres skips a query that nothing reads
    union all
    select *, 0 from locked where status = 'paused'`;
}
