import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { StillupError } from "../../runtime/errors.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type DeliveryRow, toDelivery } from "./row.ts";
import type { Delivery } from "./schema.ts";

/**
 * Cancels a delivery that is pending or exhausted; one that is cancelled stays as it is. An attempt that is under way
 * may still arrive. Resolves with the channels to wake: later deliveries of its monitor may have waited for it. Throws
 * StillupError `not_found`, or `wrong_state` when it was delivered.
 */
export async function cancelDelivery(sql: Sql, id: string): Promise<{ delivery: Delivery; channelIds: string[] }> {
  const [cancelled] = await sql<{ count: number }>`
    select cancel_deliveries(array[${id}::text], '{pending, exhausted}') as count`;
  const [row] = await sql<DeliveryRow>`select * from deliveries where id = ${id}`;
  const delivery = toDelivery(orNotFound(row, "delivery"));
  if (delivery.status === "delivered") {
    throw new StillupError("wrong_state", "The delivery was already delivered and cannot be cancelled.");
  }
  return { delivery, channelIds: cancelled?.count === 1 ? [delivery.channelId] : [] };
}
