import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { makePage, type PagePosition } from "../shared/page.ts";
import { type ChannelRow, toChannel } from "./row.ts";
import type { ChannelQuery } from "./schema.ts";

/** Channels, newest first. */
export async function listChannels(sql: Sql, { limit, cursor }: ChannelQuery) {
  const rows = await sql<ChannelRow & PagePosition>`
    select *, created_at::text as at
    from channels
    where deleted_at is null and (created_at, id) < (${cursor.at}::text::timestamptz, ${cursor.id}::text)
    order by created_at desc, id desc
    limit ${limit + 1}::int4`;
  return makePage(rows, limit, toChannel);
}
