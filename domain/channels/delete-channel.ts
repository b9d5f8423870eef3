import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";

/**
 * Removes a channel, also from the monitors that name it, and cancels what waits to be delivered to it. Its secret and
 * URL are forgotten at once, its row by `apply-retention`. Throws StillupError `not_found`. A list, so that monitors are
 * locked before deliveries, as they are elsewhere.
 */
export async function deleteChannel(sql: Sql, id: string): Promise<void> {
  const [deleted] = await sql.transaction([
    sql`
      update channels set deleted_at = app_now(), config = '{}' where id = ${id} and deleted_at is null returning id`,
    sql`
      with naming as materialized (
        select id from monitors where channel_ids @> array[${id}::text] order by id for update
      )
      update monitors m
      set channel_ids = array_remove(m.channel_ids, ${id}::text),
        updated_at = greatest(app_now(), m.updated_at + interval '1 us')
      from naming where m.id = naming.id`,
    sql`
      select cancel_deliveries(array(select id from deliveries where channel_id = ${id} and status = 'pending'))`,
  ]);
  orNotFound(deleted?.[0], "channel");
}
