import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { getMonitor } from "../monitors/get-monitor.ts";
import { makePage, type PagePosition } from "../shared/page.ts";
import type { Check, CheckQuery } from "./schema.ts";

type CheckRow = Omit<Check, "at" | "phases"> & Check["phases"] & PagePosition & { readonly time: Date };

/** The raw checks of a monitor, newest first. Throws StillupError `not_found`. */
export async function listChecks(sql: Sql, { id, query }: { id: string; query: CheckQuery }) {
  await getMonitor(sql, id);
  // numeric: a real that becomes a float8 directly shows what it could not hold, 0.1 as 0.10000000149011612.
  const rows = await sql<CheckRow>`
    select at as time, at::text as at, '' as id, outcome, status_code as "statusCode",
      total_ms::numeric::float8 as "totalMs", dns_ms::numeric::float8 as "dnsMs",
      connect_ms::numeric::float8 as "connectMs", tls_ms::numeric::float8 as "tlsMs",
      first_byte_ms::numeric::float8 as "firstByteMs", body_ms::numeric::float8 as "bodyMs", detail
    from checks
    where monitor_id = ${id} and at < ${query.cursor.at}::text::timestamptz
    order by checks.at desc -- not the text of the same name
    limit ${query.limit + 1}::int4`;
  return makePage(rows, query.limit, toCheck);
}

function toCheck({ time, outcome, statusCode, totalMs, detail, ...row }: CheckRow): Check {
  const { dnsMs, connectMs, tlsMs, firstByteMs, bodyMs } = row;
  const phases = { dnsMs, connectMs, tlsMs, firstByteMs, bodyMs };
  return { at: time.toISOString(), outcome, statusCode, totalMs, phases, detail };
}
