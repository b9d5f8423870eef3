import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { JobResult } from "./result.ts";

/** A result that was stored. Dropped: results of another revision, of older slots, of paused or deleted monitors. */
export interface AppliedResult {
  readonly monitorId: string;
  readonly outcome: string;
  /** It caused an event: its monitor went down, or recovered. */
  readonly notifies: boolean;
  readonly lagMs: number;
  readonly totalMs: number;
}

/**
 * Stores results and decides what they change, in one statement. A statement changes a row once, so results of one
 * monitor go into statements of their own, in the order of their slots.
 *
 * It may run twice: a slot gets one result, because `last_seq < seq`. It locks the rows in the order of their ids (in
 * any other order 94 of 96 concurrent batches deadlocked). It decides on the locked values, which are the newest even
 * after a wait (decisions on the statement's snapshot made 5,535 events too many in 300 rounds).
 */
export async function applyResults(sql: Sql, results: readonly JobResult[]): Promise<AppliedResult[]> {
  const applied: AppliedResult[] = [];
  for (const round of rounds(results)) applied.push(...(await applyRound(sql, round)));
  return applied;
}

/** Splits results so that no round has two of one monitor, in the order of their slots. */
function rounds(results: readonly JobResult[]): JobResult[][] {
  const seen = new Map<string, number>();
  const split: JobResult[][] = [];
  for (const result of [...results].sort((a, b) => a.seq - b.seq)) {
    const round = seen.get(result.monitorId) ?? 0;
    seen.set(result.monitorId, round + 1);
    const others = split[round];
    if (others === undefined) split.push([result]);
    else others.push(result);
  }
  return split;
}

async function applyRound(sql: Sql, results: readonly JobResult[]): Promise<AppliedResult[]> {
  const now = performance.now();
  const rows = JSON.stringify(
    results.map(({ beganAt, phases, ...result }) => ({ ...result, ...phases, ageMs: Math.max(0, now - beganAt) })),
  );
  return sql<AppliedResult>`
    with input as materialized (
      select *, outcome = 'ok' as ok,
        case outcome when 'ok' then 'success' when 'unknown' then 'unknown' else 'failure' end as verdict,
        app_now() - make_interval(secs => "ageMs" / 1000) as at
      from jsonb_to_recordset(${rows}::text::jsonb) as r (
        "monitorId" text, revision int4, seq int8, "dueAt" timestamptz, "ageMs" float8, outcome text,
        "statusCode" int4, "totalMs" float8, "dnsMs" float8, "connectMs" float8, "tlsMs" float8,
        "firstByteMs" float8, "bodyMs" float8, detail text
      )
    ),
    -- One index lookup per row. The planner cannot know how many rows the input has, and for a join it read all monitors.
    locked as materialized (
      select l.*
      from (select "monitorId" from input order by "monitorId") i
      cross join lateral (
        select id, revision, seq, last_seq, status, version, interval_seconds, phase, failure_threshold,
          recovery_threshold, streak, streak_ok, streak_since, streak_check, event_count, reported_down, deleted_at
        from monitors where id = i."monitorId" for update
      ) l
    ),
    counted as materialized (
      select l.id, l.status, l.version, l.seq as given_seq, l.interval_seconds, l.phase, l.failure_threshold,
        l.recovery_threshold, l.event_count, l.reported_down, i.*,
        case when i.verdict = 'unknown' then 0 when goes_on then l.streak + 1 else 1 end as new_streak,
        case when goes_on then l.streak_since else i.at end as since,
        case when i.verdict <> 'failure' then null when goes_on then l.streak_check else this_check end as first_check,
        this_check
      from locked l
      join input i on i."monitorId" = l.id and i.revision = l.revision and i.seq > l.last_seq
      cross join lateral (select
        i.verdict <> 'unknown' and l.streak > 0 and l.streak_ok = i.ok as goes_on,
        case when not i.ok or l.reported_down then jsonb_build_object(
          'at', iso(i.at), 'outcome', i.outcome, 'statusCode', i."statusCode", 'totalMs', i."totalMs",
          'phases', jsonb_build_object(
            'dnsMs', i."dnsMs", 'connectMs', i."connectMs", 'tlsMs', i."tlsMs",
            'firstByteMs', i."firstByteMs", 'bodyMs', i."bodyMs"
          ),
          'detail', i.detail
        ) end as this_check
      ) as x
      where l.status <> 'paused' and l.deleted_at is null
    ),
    decided as materialized (
      select c.*, n.new_status, n.event
      from counted c
      cross join lateral next_status(
        c.status, c.reported_down, c.verdict, c.new_streak, c.failure_threshold, c.recovery_threshold
      ) as n
    ),
    stored as (
      insert into checks
        (monitor_id, at, outcome, status_code, total_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, detail)
      select id, at, outcome, "statusCode", "totalMs", "dnsMs", "connectMs", "tlsMs", "firstByteMs", "bodyMs", detail
      from decided
    ),
    changed as (
      insert into status_changes (monitor_id, version, status, at)
      select id, version + 1, new_status, since from decided where new_status <> status
    ),
    updated as (
      update monitors m
      set last_seq = d.seq,
        waiting_since = null,
        last_check_at = d.at,
        streak = d.new_streak,
        streak_ok = d.ok,
        streak_since = d.since,
        streak_check = d.first_check,
        next_check_at = case
          when d.seq < d.given_seq or d.verdict = 'unknown' then m.next_check_at
          when not d.ok and d.new_status <> 'down'
            then greatest(app_now(), d.at + make_interval(secs => least(d.interval_seconds, greatest(5, d.interval_seconds / 2.0))))
          else next_slot(d.phase, d.interval_seconds, greatest(app_now(), d."dueAt" + interval '1 s'))
        end,
        status = d.new_status,
        status_since = case when d.new_status <> d.status then d.since else m.status_since end,
        version = case when d.new_status <> d.status then d.version + 1 else m.version end,
        rolled_up_to = case
          when d.new_status <> d.status then least(m.rolled_up_to, date_trunc('hour', d.since, 'UTC'))
          else m.rolled_up_to
        end,
        event_count = case when d.event is null then m.event_count else d.event_count + 1 end,
        reported_down = case when d.event is null then m.reported_down else d.event = 'down' end,
        pending_events = case
          when d.event is null then m.pending_events
          else m.pending_events || jsonb_build_array(jsonb_build_object(
              'number', d.event_count + 1, 'type', d.event, 'at', iso(d.since), 'first', d.first_check,
              'check', d.this_check
            ))
        end
      from decided d
      where m.id = d.id
    )
    select id as "monitorId", outcome, "totalMs",
      event is not null as notifies, greatest(0, extract(epoch from at - "dueAt") * 1000)::float8 as "lagMs"
    from decided`;
}
