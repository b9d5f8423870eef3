import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type ChannelRow, toChannel } from "./row.ts";
import type { Channel } from "./schema.ts";

/** One channel. Throws StillupError `not_found`. */
export async function getChannel(sql: Sql, id: string): Promise<Channel> {
  const [row] = await sql<ChannelRow>`select * from channels where id = ${id} and deleted_at is null`;
  return toChannel(orNotFound(row, "channel"));
}
