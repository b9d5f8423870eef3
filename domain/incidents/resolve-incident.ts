import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { getIncident } from "./get-incident.ts";
import { handleStatusChanges } from "./handle-status-changes.ts";
import type { Incident } from "./schema.ts";

/**
 * Resolves an incident for a person; one that is resolved stays as it is. The pending events of its monitor are handled
 * first. Resolves with the channels to wake. Throws StillupError `not_found`.
 *
 * The resolved incident stays on the monitor's row, so that no new one opens until the monitor was up again.
 */
export async function resolveIncident(sql: Sql, id: string): Promise<{ incident: Incident; channelIds: string[] }> {
  const { monitorId } = await getIncident(sql, id);
  const { channelIds } = await handleStatusChanges(sql, [monitorId]);
  await sql`
    with resolved as (
      update monitors
      set incident = incident
        || jsonb_build_object('status', 'resolved', 'resolvedAt', iso(app_now()), 'resolution', 'manual')
      where id = ${monitorId} and deleted_at is null and incident->>'id' = ${id} and incident->>'resolvedAt' is null
      returning incident
    )
    select write_incident(incident) from resolved`;
  return { incident: await getIncident(sql, id), channelIds };
}
