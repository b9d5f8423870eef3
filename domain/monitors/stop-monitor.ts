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
        pending_events = '[]', incident = null, streak = 0, streak_since = null, streak_check = null,
        waiting_since = null
      from locked l
      where m.id = l.id and l.status <> 'paused'
      returning m.*
    ),
    noted as (
      insert into status_changes (monitor_id, version, status, at)
      select id, version, status, status_since from stopped
    ),
    closed as (
      insert into incidents as i (id, monitor_id, started_at, confirmed_at, cause, resolved_at, resolution)
      select incident->>'id', id, (incident->>'startedAt')::timestamptz, (incident->>'confirmedAt')::timestamptz,
        incident->'cause', app_now(), ${resolution}::text
      from locked
      where status <> 'paused' and incident is not null
      on conflict (id) do update
      set resolved_at = coalesce(i.resolved_at, excluded.resolved_at),
        resolution = coalesce(i.resolution, excluded.resolution)
    )
    select * from stopped
    union all
    select * from locked where status = 'paused'`;
}
