import type { Delivery } from "./schema.ts";

/** What is read of a row of `deliveries`. */
export interface DeliveryRow {
  readonly id: string;
  readonly event_id: string;
  readonly channel_id: string;
  /** `system` for what concerns Stillup itself. */
  readonly monitor_id: string;
  readonly type: Delivery["type"];
  readonly status: Delivery["status"];
  readonly attempts: number;
  readonly next_attempt_at: Date;
  readonly last_error: string | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

export function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    eventId: row.event_id,
    channelId: row.channel_id,
    monitorId: row.monitor_id === "system" ? null : row.monitor_id,
    type: row.type,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: row.status === "pending" ? row.next_attempt_at.toISOString() : null,
    lastError: row.last_error,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}
