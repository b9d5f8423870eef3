import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type DeliveryRow, toDelivery } from "./row.ts";
import type { DeliveryDetail } from "./schema.ts";

/** One delivery with the data of its event. Throws StillupError `not_found`. */
export async function getDelivery(sql: Sql, id: string): Promise<DeliveryDetail> {
  const [row] = await sql<DeliveryRow & Pick<DeliveryDetail, "data">>`select * from deliveries where id = ${id}`;
  const delivery = orNotFound(row, "delivery");
  return { ...toDelivery(delivery), data: delivery.data };
}
