import type { Query, Sql } from "../../runtime/drivers/sql/sql.ts";
import type { MonitorRow } from "./row.ts";

/**
 * Stops a monitor's checks and resolves its open incident; pending events are dropped. Everything is decided on the
 * locked row, which has what is needed of the incident: the row in `incidents` is seen as it was before a wait for the
 * lock. A monitor that is paused already stays as it is. Its row, or none when there is no such monitor.
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
    changed as (
      insert into status_changes (monitor_id, version, status, at)
      select id, version, status, status_since from stopped
    ),
    resolved as materialized (
      select write_incident(incident || jsonb_build_object('resolvedAt', iso(app_now()), 'resolution', ${resolution}::text))
      from locked
      where status <> 'paused' and incident is not null
    )
    select *, (select count(*) from resolved) from stopped -- counted, because Postgres skips a query that nothing reads
    union all
    select *, 0 from locked where status = 'paused'`;
}
