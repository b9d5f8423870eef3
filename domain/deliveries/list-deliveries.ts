import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { makePage, type PagePosition } from "../shared/page.ts";
import { type DeliveryRow, toDelivery } from "./row.ts";
import type { DeliveryQuery } from "./schema.ts";

/** Deliveries, newest first. */
export async function listDeliveries(sql: Sql, { limit, cursor, status, channelId, monitorId }: DeliveryQuery) {
  const rows = await sql<DeliveryRow & PagePosition>`
    select id, event_id, channel_id, monitor_id, type, status, attempts, next_attempt_at, last_error, created_at,
      finished_at, created_at::text as at
    from deliveries
    where (created_at, id) < (${cursor.at}::text::timestamptz, ${cursor.id}::text)
      and (${status}::text is null or status = ${status}::text)
      and (${channelId}::text is null or channel_id = ${channelId}::text)
      and (${monitorId}::text is null or monitor_id = ${monitorId}::text)
    order by created_at desc, id desc
    limit ${limit + 1}::int4`;
  return makePage(rows, limit, toDelivery);
}
