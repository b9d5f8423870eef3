import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { makePage, type PagePosition } from "../shared/page.ts";
import { type DeadLetterRow, toDeadLetter } from "./row.ts";
import type { DeadLetterQuery } from "./schema.ts";

/** Dead letters, newest first, each with the beginning of its body: the whole may have megabytes. */
export async function listDeadLetters(sql: Sql, { limit, cursor, stream }: DeadLetterQuery) {
  const rows = await sql<DeadLetterRow & PagePosition>`
    select id, stream, reason, attempts, left(body, 200) as body, octet_length(body) as bytes, created_at,
      created_at::text as at
    from dead_letters
    where (created_at, id) < (${cursor.at}::text::timestamptz, ${cursor.id}::text)
      and (${stream}::text is null or stream = ${stream}::text)
    order by created_at desc, id desc
    limit ${limit + 1}::int4`;
  return makePage(rows, limit, toDeadLetter);
}
