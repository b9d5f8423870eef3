import type { Env } from "../contract.ts";
import type { Message } from "../drivers/stream/stream.ts";

/** Records, counts and logs a message that no further try can fix; in Postgres once, however often. Ack it afterwards. */
export async function recordDeadLetter(
  { sql, metrics, log }: Pick<Env, "sql" | "metrics" | "log">,
  { stream, message, reason }: { stream: string; message: Message; reason: string },
): Promise<void> {
  const { id, attempts } = message;
  // Postgres keeps neither NUL nor lone surrogates.
  const body = message.body.replaceAll(/[\0\p{Surrogate}]/gu, "\u{fffd}");
  await sql`
    insert into dead_letters (stream, message_id, body, reason, attempts)
    values (${stream}, ${id}, ${body}, ${reason}, ${attempts})
    on conflict (stream, message_id) do nothing`;
  metrics.count("stillup_dead_letters_total", { stream });
  log.error("A message is dead-lettered.", { messageId: id, attempts, reason });
}
