import type { Noted } from "./model.ts";
import type { World } from "./world.ts";

/** What a run left in the database, and the journal of how it came there. */
export interface Found {
  readonly journal: readonly Noted[];
  readonly monitors: readonly { readonly id: string; readonly status: string; readonly pending_events: number }[];
  readonly statuses: readonly FoundStatus[];
  readonly incidents: readonly FoundIncident[];
  readonly deliveries: readonly FoundDelivery[];
  /** Bodies. */
  readonly deadLetters: readonly string[];
}

export interface FoundStatus {
  readonly monitorId: string;
  readonly version: number;
  readonly status: string;
  readonly at: string;
}

export interface FoundIncident {
  readonly id: string;
  readonly monitorId: string;
  readonly startedAt: string;
  readonly confirmedAt: string;
  readonly resolvedAt: string | null;
  readonly resolution: string | null;
}

export interface FoundDelivery {
  readonly id: string;
  readonly channelId: string;
  readonly monitorId: string;
  readonly eventNumber: number;
  readonly status: string;
}

export async function readFound({ database, timeline }: World): Promise<Found> {
  const [[row] = []] = await database.carryOut(timeline.now, [{ text: READ, values: [] }]);
  return row as unknown as Found; // what READ selects
}

const READ = `
  select
    (
      select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'id', id, 'at', iso(at), 'what', what) order by n), '[]')
      from simulation.journal
    ) as journal,
    (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'status', status, 'pending_events', jsonb_array_length(pending_events)
      )), '[]') from monitors
    ) as monitors,
    (
      select coalesce(jsonb_agg(jsonb_build_object(
        'monitorId', monitor_id, 'version', version, 'status', status, 'at', iso(at)
      ) order by version), '[]') from status_changes
    ) as statuses,
    (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'monitorId', monitor_id, 'startedAt', iso(started_at), 'confirmedAt', iso(confirmed_at),
        'resolvedAt', iso(resolved_at), 'resolution', resolution
      ) order by split_part(id, '_', 3)::int), '[]') from incidents
    ) as incidents,
    (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'channelId', channel_id, 'monitorId', monitor_id, 'eventNumber', event_number, 'status', status
      ) order by event_number), '[]') from deliveries
    ) as deliveries,
    (select coalesce(jsonb_agg(body), '[]') from dead_letters) as "deadLetters"`;
