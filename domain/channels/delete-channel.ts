import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";

/**
 * Removes a channel, also from the monitors that name it, and cancels what waits to be delivered to it. Its secret and
 * URL are forgotten at once, its row by `apply-retention`. Throws StillupError `not_found`.
 */
export async function deleteChannel(sql: Sql, id: string): Promise<void> {
  const [row] = await sql`
    with deleted as (
      update channels set deleted_at = app_now(), config = '{}' where id = ${id} and deleted_at is null returning id
    ),
    naming as materialized (
      select id from monitors where channel_ids @> array[${id}::text] and exists (select from deleted)
      order by id for update
    ),
    renamed as (
      update monitors m
      set channel_ids = array_remove(m.channel_ids, ${id}::text),
        updated_at = greatest(app_now(), m.updated_at + interval '1 us')
      from naming where m.id = naming.id
    ),
    doomed as materialized (
      select id from deliveries
      where channel_id = ${id} and status = 'pending' and exists (select from deleted)
      order by id for update
    ),
    cancelled as (
      update deliveries d set status = 'cancelled', finished_at = app_now(), leased_until = null
      from doomed where d.id = doomed.id
    )
    select id from deleted`;
  orNotFound(row, "channel");
}
