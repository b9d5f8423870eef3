import type { Sql } from "../../runtime/sql/sql.ts";

const NONE = { pending: 0, up: 0, down: 0, paused: 0, unknown: 0 };

/** How many monitors there are of each status. */
export async function countMonitors(sql: Sql): Promise<Record<keyof typeof NONE, number>> {
  const rows = await sql<{ status: keyof typeof NONE; count: number }>`
    select status, count(*)::int4 as count from monitors where deleted_at is null group by status`;
  return { ...NONE, ...Object.fromEntries(rows.map(({ status, count }) => [status, count])) };
}
