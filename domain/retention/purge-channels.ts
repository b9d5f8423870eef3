import type { Sql } from "../../runtime/drivers/sql/sql.ts";

/** Forgets channels that were deleted more than 90 days ago. One that has deliveries still waits for `apply-retention`. */
export async function purgeChannels(sql: Sql): Promise<void> {
  await sql`
    with expired as materialized (
      select id from channels c
      where deleted_at < app_now() - interval '90 days'
        and not exists (select from deliveries d where d.channel_id = c.id)
      order by id for update skip locked
    )
    delete from channels c using expired where c.id = expired.id`;
}
