import { invalidRequest } from "../../runtime/api/problem.ts";
import type { Sql } from "../../runtime/drivers/sql/sql.ts";

/** Throws StillupError `invalid_request` that names the ids of channels that are not there. */
export async function refuseUnknownChannels(sql: Sql, channelIds: readonly string[] | null): Promise<void> {
  if (channelIds === null || channelIds.length === 0) return;
  const rows = await sql<{ id: string }>`
    select id from channels where id = any(${channelIds}::text[]) and deleted_at is null`;
  const known = new Set(rows.map((row) => row.id));
  const errors = channelIds.flatMap((id, index) => {
    const field = `channelIds[${index}]`;
    return known.has(id) ? [] : [{ field, message: `${field} must be the id of an existing channel` }];
  });
  if (errors.length > 0) throw invalidRequest(errors);
}
