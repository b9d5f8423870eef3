import type { Sql } from "./sql/sql.ts";
import type { Message } from "./stream/stream.ts";

/** Records a message that no further try can mend, once however often it is called. Ack it afterwards. */
export async function recordSetApart(
  sql: Sql,
  { stream, message, reason }: { stream: string; message: Message; reason: string },
): Promise<void> {
  // Postgres keeps neither NUL nor lone surrogates.
  const body = message.body.replaceAll(/[\0\p{Surrogate}]/gu, "\u{fffd}");
  await sql`
    insert into set_apart (stream, message_id, body, reason, attempts)
    values (${stream}, ${message.id}, ${body}, ${reason}, ${message.attempts})
    on conflict (stream, message_id) do nothing`;
}
