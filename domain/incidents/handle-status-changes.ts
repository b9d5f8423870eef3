import type { Sql } from "../../runtime/drivers/sql/sql.ts";

/**
 * Handles the pending events of monitors in their order: opens and resolves incidents, and plans a delivery for each
 * event and channel. Resolves with the channels to wake.
 *
 * One statement, which may run twice: the second time there are no events. Everything that it decides on is on the
 * locked rows. Other rows it sees as they were before a wait for the lock, so it writes incidents with `on conflict` and
 * never looks them up (134 of 1,501 incidents were wrong when it did).
 *
 * It does not wait for the disk. After a crash of Postgres the events are pending again, and get the same ids. Their
 * status changes were on the disk before.
 */
export async function handleStatusChanges(sql: Sql, monitorIds: readonly string[]): Promise<{ channelIds: string[] }> {
  const rows = await sql<{ channelId: string }>`
    with setting as materialized (select set_config('synchronous_commit', 'off', true)),
    locked as materialized (
      select id, name, type, target, channel_ids, pending_events, incident
      from setting cross join monitors where id = any(${monitorIds}::text[]) and pending_events <> '[]'
      order by id for update of monitors
    ),
    events as materialized (
      select l.id as monitor_id, e.*,
        case when e.type = 'down' then jsonb_build_object(
          'id', 'inc_' || substr(l.id, 5) || '_' || e.number, 'monitorId', l.id, 'status', 'open',
          'startedAt', iso(e.at), 'confirmedAt', e."check"->>'at', 'acknowledgedAt', null, 'resolvedAt', null,
          'resolution', null, 'cause', jsonb_build_object(
            'outcome', e.first->'outcome', 'statusCode', e.first->'statusCode', 'detail', e.first->'detail'
          )
        ) end as opened,
        row_number() over (partition by l.id order by e.number desc) = 1 as is_last
      from locked l
      cross join lateral jsonb_to_recordset(l.pending_events)
        as e (number int4, type text, at timestamptz, first jsonb, "check" jsonb)
    ),
    -- Each event with its incident: a down opens one, an up resolves the one before it.
    notified as materialized (
      select e.*, coalesce(
          e.opened,
          lag(e.opened) over (partition by e.monitor_id order by e.number),
          (select l.incident from locked l where l.id = e.monitor_id)
        ) as incident
      from events e
    ),
    written as materialized (
      select write_incident(case when bool_or(type = 'up')
        then incident || jsonb_build_object('resolvedAt', iso(max(at) filter (where type = 'up')), 'resolution', 'recovered')
        else incident end) as incident
      from notified where incident is not null
      group by incident
    ),
    settled as (
      update monitors m
      set pending_events = '[]', incident = (select n.opened from notified n where n.monitor_id = l.id and n.is_last)
      from locked l
      cross join (select count(*) from written) as counted -- Postgres skips a query that nothing reads
      where m.id = l.id
    ),
    planned as (
      insert into deliveries (id, event_id, channel_id, monitor_id, event_number, type, data, occurred_at)
      select 'dlv_' || substr(l.id, 5) || '_' || n.number || '_' || substr(c.id, 4),
        'evt_' || substr(l.id, 5) || '_' || n.number, c.id, l.id, n.number, 'monitor.' || n.type,
        jsonb_build_object(
          'monitor', jsonb_build_object('id', l.id, 'name', l.name, 'type', l.type, 'target', l.target),
          'incident', coalesce(n.opened, w.incident),
          'check', n."check"
        ),
        (n."check"->>'at')::timestamptz + make_interval(secs => (n."check"->>'totalMs')::float8 / 1000)
      from notified n
      join locked l on l.id = n.monitor_id
      left join written w on w.incident->>'id' = n.incident->>'id'
      join channels c on c.deleted_at is null and not c.disabled
        and (l.channel_ids is null and c.is_default or c.id = any(l.channel_ids))
      on conflict (id) do nothing
      returning channel_id
    )
    select distinct channel_id as "channelId" from planned`;
  return { channelIds: rows.map((row) => row.channelId) };
}

/** Claims the sweep: monitors with pending events, at most 500, which may be in no stream any more. */
export async function claimPendingEvents(sql: Sql): Promise<{ monitorIds: string[]; nextInMs: number }> {
  const [row] = await sql<{ monitorIds: string[]; nextInMs: number }>`
    with claim as materialized (
      select claimed, next_in_ms from claim_schedule('sweep-status-changes', 9.5)
    ),
    waiting as (
      select id from monitors where pending_events <> '[]' and (select claimed from claim) limit 500
    )
    select coalesce((select jsonb_agg(id) from waiting), '[]') as "monitorIds", next_in_ms as "nextInMs" from claim`;
  return row ?? { monitorIds: [], nextInMs: 9500 };
}
