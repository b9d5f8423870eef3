import type { Sql } from "../../runtime/sql/sql.ts";
import { makePage, type Place } from "../page.ts";
import type { Delivery, DeliveryQuery } from "./schema.ts";

interface Row extends Place {
  readonly event_id: string;
  readonly channel_id: string;
  readonly monitor_id: string;
  readonly type: Delivery["type"];
  readonly status: Delivery["status"];
  readonly attempts: number;
  readonly next_attempt_at: Date;
  readonly last_error: string | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

/** Deliveries, newest first. */
export async function listDeliveries(sql: Sql, { limit, cursor, status, channelId, monitorId }: DeliveryQuery) {
  const rows = await sql<Row>`
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

function toDelivery(row: Row): Delivery {
  return {
    id: row.id,
    eventId: row.event_id,
    channelId: row.channel_id,
    monitorId: row.monitor_id,
    type: row.type,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: row.status === "pending" ? row.next_attempt_at.toISOString() : null,
    lastError: row.last_error,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}
