import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { getIncident } from "./get-incident.ts";
import { handleStatusChanges } from "./handle-status-changes.ts";
import type { Incident } from "./schema.ts";

/**
 * Resolves an incident by hand; one that is resolved stays as it is. What its monitor has still to tell is handled
 * first, as if it had been in time. Resolves with the channels to wake. Throws StillupError `not_found`.
 *
 * The resolved incident stays on the monitor's row: no new one opens until the monitor was up again.
 */
export async function resolveIncident(sql: Sql, id: string): Promise<{ incident: Incident; channelIds: string[] }> {
  const { monitorId } = await getIncident(sql, id);
  const { channelIds } = await handleStatusChanges(sql, [monitorId]);
  await sql`
    with locked as materialized (
      select id, incident from monitors where id = ${monitorId} and deleted_at is null for update
    ),
    resolved as (
      update monitors m
      set incident = m.incident
        || jsonb_build_object('status', 'resolved', 'resolvedAt', iso(app_now()), 'resolution', 'manual')
      from locked l
      where m.id = l.id and l.incident->>'id' = ${id} and l.incident->>'resolvedAt' is null
      returning m.id, m.incident
    )
    insert into incidents as i (id, monitor_id, started_at, confirmed_at, cause, resolved_at, resolution)
    select incident->>'id', id, (incident->>'startedAt')::timestamptz, (incident->>'confirmedAt')::timestamptz,
      incident->'cause', app_now(), 'manual'
    from resolved
    on conflict (id) do update
    set resolved_at = coalesce(i.resolved_at, excluded.resolved_at),
      resolution = coalesce(i.resolution, excluded.resolution)`;
  return { incident: await getIncident(sql, id), channelIds };
}
