import type { Env } from "../../runtime/contract.ts";
import { StillupError } from "../../runtime/errors.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { encode } from "../shared/page.ts";
import type { RetriedAll } from "../shared/retried-all.ts";
import type { RetryDeadLettersQuery } from "./schema.ts";

type RetryEnv = Pick<Env, "sql" | "stream" | "sources">;

interface Kept {
  readonly id: string;
  readonly stream: string;
  readonly body: string;
}

/** What one call takes on at most: messages, and bytes unless a single one has more. */
const AT_ONCE = 100;
const BYTES_AT_ONCE = 1_000_000;

/** Puts a message back into its stream. Throws StillupError `not_found`, `wrong_state`, `stream_unavailable`. */
export async function retryDeadLetter(env: RetryEnv, id: string): Promise<void> {
  const [row] = await env.sql<Kept>`select id, stream, body from dead_letters where id = ${id}`;
  const message = orNotFound(row, "dead letter");
  refuseUnread(env, message.stream);
  await putBack(env, [message]);
}

/**
 * The same for some of those that were dead-lettered before the first of these calls, oldest first: what fails again
 * meanwhile is not taken again. `nextCursor` says that there are more. Throws StillupError `wrong_state`,
 * `stream_unavailable`.
 */
export async function retryDeadLetters(env: RetryEnv, { stream, cursor }: RetryDeadLettersQuery): Promise<RetriedAll> {
  if (stream !== null) refuseUnread(env, stream);
  const streams = stream === null ? env.sources.map((source) => source.stream) : [stream];
  const rows = await env.sql<Kept & { until: string; waiting: number }>`
    with until as materialized (select least(${cursor.at}::text::timestamptz, app_now()) as at),
    waiting as (
      select id, row_number() over oldest as number, sum(octet_length(body)) over oldest as bytes
      from (
        select id, body, created_at from dead_letters
        where stream = any(${streams}::text[]) and created_at <= (select at from until)
        order by created_at, id limit ${AT_ONCE + 1}::int4
      ) first
      window oldest as (order by created_at, id)
    )
    select s.id, s.stream, s.body, until.at::text as until, (select count(*) from waiting)::int4 as waiting
    from until, waiting w join dead_letters s using (id)
    where w.number = 1 or w.number <= ${AT_ONCE}::int4 and w.bytes <= ${BYTES_AT_ONCE}::int4
    order by w.number`;
  await putBack(env, rows);
  const [{ until, waiting } = { until: "", waiting: 0 }] = rows;
  return { retried: rows.length, nextCursor: waiting > rows.length ? encode({ at: until, id: "" }) : null };
}

/** A message would be lost in a stream that nobody reads. Throws StillupError `wrong_state`. */
function refuseUnread({ sources }: RetryEnv, stream: string): void {
  if (sources.some((source) => source.stream === stream)) return;
  throw new StillupError("wrong_state", `No worker reads the stream ${stream}.`);
}

/** Added first and forgotten then: a crash in between only leaves what is handled twice as well as once. */
async function putBack({ sql, stream }: RetryEnv, messages: readonly Kept[]): Promise<void> {
  if (messages.length === 0) return;
  await stream.publish(messages.map(({ stream, body }) => ({ stream, body })));
  await sql`
    with done as materialized (
      select id from dead_letters where id = any(${messages.map(({ id }) => id)}::text[]) order by id for update
    )
    delete from dead_letters s using done where s.id = done.id`;
}
