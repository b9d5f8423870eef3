import type { NewDeadLetter } from "../../runtime/contract.ts";
import type { Sql } from "../../runtime/drivers/sql/sql.ts";

/** Keeps a message that no further try can fix. A second record of the same message changes nothing. */
export async function recordDeadLetter(sql: Sql, { stream, message, reason }: NewDeadLetter): Promise<void> {
  // Postgres keeps neither NUL nor lone surrogates.
  const body = message.body.replaceAll(/[\0\p{Surrogate}]/gu, "\u{fffd}");
  await sql`
    insert into dead_letters (stream, message_id, body, reason, attempts)
    values (${stream}, ${message.id}, ${body}, ${reason}, ${message.attempts})
    on conflict (stream, message_id) do nothing`;
}
