import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { makePage, type Place } from "../shared/page.ts";
import { type SetApartRow, toSetApart } from "./row.ts";
import type { SetApartQuery } from "./schema.ts";

/** Messages set apart, newest first, each with the beginning of its body: the whole may have megabytes. */
export async function listSetApart(sql: Sql, { limit, cursor, stream }: SetApartQuery) {
  const rows = await sql<SetApartRow & Place>`
    select id, stream, reason, attempts, left(body, 200) as body, octet_length(body) as bytes, created_at,
      created_at::text as at
    from set_apart
    where (created_at, id) < (${cursor.at}::text::timestamptz, ${cursor.id}::text)
      and (${stream}::text is null or stream = ${stream}::text)
    order by created_at desc, id desc
    limit ${limit + 1}::int4`;
  return makePage(rows, limit, toSetApart);
}
