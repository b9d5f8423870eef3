import type { Sql } from "../../runtime/drivers/sql/sql.ts";

const A_STATEMENT = 20;

/**
 * Forgets up to 20 monitors that were deleted more than 90 days ago, with all that was kept of them but single checks,
 * which go with their day; resolves with whether there are more. One that has deliveries still waits for `apply-retention`.
 */
export async function purgeMonitors(sql: Sql): Promise<{ more: boolean }> {
  const rows = await sql`
    with expired as materialized (
      select id from monitors m
      where deleted_at < app_now() - interval '90 days'
        and not exists (select from deliveries d where d.monitor_id = m.id)
      order by id limit ${A_STATEMENT}::int4 for update skip locked
    ),
    changes as (delete from status_changes t using expired where t.monitor_id = expired.id),
    closed as (delete from incidents t using expired where t.monitor_id = expired.id),
    hours as (delete from rollups_hour t using expired where t.monitor_id = expired.id),
    days as (delete from rollups_day t using expired where t.monitor_id = expired.id)
    delete from monitors m using expired where m.id = expired.id returning m.id`;
  return { more: rows.length === A_STATEMENT };
}
