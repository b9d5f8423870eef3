import type { Sql } from "../../runtime/drivers/sql/sql.ts";

/**
 * Handles what monitors have to tell: takes all their pending_events events in the order of their versions, opens and
 * resolves incidents, and plans a delivery for each event and channel. Resolves with the channels to wake.
 *
 * One statement. All it decides on stands on the locked monitor rows; other rows are seen as they were before a wait
 * for the lock, so incidents are written with `on conflict`, never looked up (134 of 1,501 incidents were wrong when
 * they were). Carried out twice it finds nothing the second time.
 *
 * `told` is each event with the incident that it is about: its own when down, the one before it when up.
 *
 * It does not wait for the disk: what a crash of Postgres takes back is still pending_events, and handled again with the same
 * ids. What it rests on, the status change, was waited for.
 */
export async function handleStatusChanges(sql: Sql, monitorIds: readonly string[]): Promise<{ channelIds: string[] }> {
  const rows = await sql<{ channelId: string }>`
    with setting as materialized (select set_config('synchronous_commit', 'off', true)),
    locked as materialized (
      select id, name, url, channel_ids, pending_events, incident
      from setting cross join monitors where id = any(${monitorIds}::text[]) and pending_events <> '[]'
      order by id for update of monitors
    ),
    events as materialized (
      select l.id as monitor_id, e.*,
        case when e.type = 'down' then jsonb_build_object(
          'id', 'inc_' || substr(l.id, 5) || '_' || e.version, 'monitorId', l.id, 'status', 'open',
          'startedAt', iso(e.at), 'confirmedAt', e."check"->>'at', 'acknowledgedAt', null, 'resolvedAt', null,
          'resolution', null, 'cause', jsonb_build_object(
            'outcome', e.first->'outcome', 'statusCode', e.first->'statusCode', 'detail', e.first->'detail'
          )
        ) end as opened,
        row_number() over (partition by l.id order by e.version desc) = 1 as is_last
      from locked l
      cross join lateral jsonb_to_recordset(l.pending_events)
        as e (version int4, type text, at timestamptz, first jsonb, "check" jsonb)
    ),
    notified as materialized (
      select e.*, coalesce(
          e.opened,
          lag(e.opened) over (partition by e.monitor_id order by e.version),
          (select l.incident from locked l where l.id = e.monitor_id)
        ) as incident
      from events e
    ),
    written as (
      insert into incidents as i (id, monitor_id, started_at, confirmed_at, cause, resolved_at, resolution)
      select incident->>'id', monitor_id, (incident->>'startedAt')::timestamptz,
        (incident->>'confirmedAt')::timestamptz, incident->'cause',
        max(at) filter (where type = 'up'), max('recovered') filter (where type = 'up')
      from notified where incident is not null
      group by incident, monitor_id
      on conflict (id) do update
      set resolved_at = coalesce(i.resolved_at, excluded.resolved_at),
        resolution = coalesce(i.resolution, excluded.resolution)
      returning i.*
    ),
    settled as (
      update monitors m
      set pending_events = '[]', incident = (select t.opened from notified t where t.monitor_id = l.id and t.is_last)
      from locked l
      where m.id = l.id
    ),
    planned as (
      insert into deliveries (id, event_id, channel_id, monitor_id, version, type, data, answered_at)
      select 'dlv_' || substr(l.id, 5) || '_' || t.version || '_' || substr(c.id, 4),
        'evt_' || substr(l.id, 5) || '_' || t.version, c.id, l.id, t.version, 'monitor.' || t.type,
        jsonb_build_object(
          'monitor', jsonb_build_object('id', l.id, 'name', l.name, 'url', l.url),
          'incident', coalesce(t.opened, t.incident || jsonb_build_object(
            'status', 'resolved', 'acknowledgedAt', iso(w.acknowledged_at), 'resolvedAt', iso(w.resolved_at),
            'resolution', w.resolution
          )),
          'check', t."check"
        ),
        (t."check"->>'at')::timestamptz + make_interval(secs => (t."check"->>'totalMs')::float8 / 1000)
      from notified t
      join locked l on l.id = t.monitor_id
      left join written w on w.id = t.incident->>'id'
      join channels c on c.deleted_at is null and not c.disabled
        and (l.channel_ids is null and c.is_default or c.id = any(l.channel_ids))
      on conflict (id) do nothing
      returning channel_id
    )
    select distinct channel_id as "channelId" from planned`;
  return { channelIds: rows.map((row) => row.channelId) };
}

/** Monitors with something to tell that no stream may carry any more, at most 500, in the sweep's own turn. */
export async function claimPendingEvents(sql: Sql): Promise<{ monitorIds: string[]; nextInMs: number }> {
  const [row] = await sql<{ monitorIds: string[]; nextInMs: number }>`
    with turn as materialized (
      select mine, next_in_ms from claim_schedule('sweep-status-changes', 9.5)
    ),
    pending_events as (
      select id from monitors where pending_events <> '[]' and (select mine from turn) limit 500
    )
    select coalesce((select jsonb_agg(id) from pending_events), '[]') as "monitorIds", next_in_ms as "nextInMs" from turn`;
  return row ?? { monitorIds: [], nextInMs: 9500 };
}
