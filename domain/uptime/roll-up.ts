import type { Sql } from "../../runtime/drivers/sql/sql.ts";

const MONITORS_A_STATEMENT = 500;

/**
 * Rolls up the hours that ended at least 2 minutes ago: of up to 500 monitors, up to 48 hours each. Resolves with
 * whether there are more. A status change that is dated back moves `rolled_up_to` back, so that its hours are rolled up
 * again. Counts never go down, because single checks may be deleted by then.
 *
 * A monitor whose version changed while this statement waited is left for the next time: its row is locked as it is
 * now, but its status changes and checks are seen as they were before.
 */
export async function rollUp(sql: Sql): Promise<{ more: boolean }> {
  const rows = await sql`
    with seen as materialized (
      select id, version from monitors
      where rolled_up_to < date_trunc('hour', app_now() - interval '2 min', 'UTC') and deleted_at is null
      order by id limit ${MONITORS_A_STATEMENT}
    ),
    locked as materialized (
      select id, version, rolled_up_to,
        least(date_trunc('hour', app_now() - interval '2 min', 'UTC'), rolled_up_to + interval '48 hours') as until
      from monitors where id in (select id from seen)
      order by id for update skip locked
    ),
    due as materialized (
      select locked.* from locked join seen using (id, version)
    ),
    rolled_up as (
      insert into rollups_hour as r
        (monitor_id, start, up_seconds, down_seconds, checks, failures, total_ms_sum, total_ms_max)
      select due.id, start, s.up_seconds, s.down_seconds, c.checks, c.failures, c.total_ms_sum, c.total_ms_max
      from due
      cross join lateral generate_series(due.rolled_up_to, due.until - interval '1 hour', interval '1 hour') as start
      cross join lateral status_seconds(due.id, start, start + interval '1 hour') as s
      cross join lateral (
        select count(*)::int4 as checks, (count(*) filter (where outcome not in ('ok', 'unknown')))::int4 as failures,
          coalesce(sum(total_ms), 0)::float8 as total_ms_sum, coalesce(max(total_ms), 0)::float8 as total_ms_max
        from checks where monitor_id = due.id and at >= start and at < start + interval '1 hour'
      ) as c
      on conflict (monitor_id, start) do update
      set up_seconds = excluded.up_seconds, down_seconds = excluded.down_seconds,
        checks = greatest(r.checks, excluded.checks), failures = greatest(r.failures, excluded.failures),
        total_ms_sum = greatest(r.total_ms_sum, excluded.total_ms_sum),
        total_ms_max = greatest(r.total_ms_max, excluded.total_ms_max)
    )
    update monitors m set rolled_up_to = due.until
    from due where m.id = due.id
    returning m.id`;
  return { more: rows.length === MONITORS_A_STATEMENT };
}
