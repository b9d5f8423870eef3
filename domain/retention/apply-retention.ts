import type { Sql } from "../../runtime/drivers/sql/sql.ts";

/**
 * Makes the partitions of the coming days, folds hourly roll-ups of more than 90 days ago into daily ones, and removes
 * what is no longer shown. Each statement may be carried out again.
 */
export async function applyRetention(sql: Sql, { rawCheckDays }: { rawCheckDays: number }): Promise<void> {
  await sql`select make_check_partitions(3)`;
  await sql`select drop_check_partitions(${rawCheckDays})`;
  await sql`
    with old as (
      delete from rollups_hour where start < date_trunc('day', app_now() - interval '90 days', 'UTC') returning *
    )
    insert into rollups_day as r
      (monitor_id, start, up_seconds, down_seconds, checks, failures, total_ms_sum, total_ms_max)
    select monitor_id, date_trunc('day', start, 'UTC'), sum(up_seconds), sum(down_seconds), sum(checks), sum(failures),
      sum(total_ms_sum), max(total_ms_max)
    from old group by 1, 2
    on conflict (monitor_id, start) do update
    set up_seconds = r.up_seconds + excluded.up_seconds, down_seconds = r.down_seconds + excluded.down_seconds,
      checks = r.checks + excluded.checks, failures = r.failures + excluded.failures,
      total_ms_sum = r.total_ms_sum + excluded.total_ms_sum,
      total_ms_max = greatest(r.total_ms_max, excluded.total_ms_max)`;
  // The last change before the 90 days stays: it says what a monitor was when they began.
  await sql`
    delete from status_changes old using status_changes later
    where later.monitor_id = old.monitor_id and later.version = old.version + 1
      and later.at < app_now() - interval '91 days'`;
  await sql`
    delete from deliveries where status <> 'pending' and finished_at < app_now() - interval '90 days'`;
  await sql`delete from dead_letters where created_at < app_now() - interval '90 days'`;
}
