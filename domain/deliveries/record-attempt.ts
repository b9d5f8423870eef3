import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { LeasedDelivery } from "./lease-deliveries.ts";

/**
 * What an attempt was of, and its number: a result counts only while that is the delivery's last attempt and leased. One
 * that is retried by hand keeps its number and has no lease, so that what comes late of before counts for nothing.
 */
interface Attempt {
  readonly id: string;
  readonly attempt: number;
}

/** What a result did. Null: another attempt has taken over, and nothing was recorded. */
export interface Recorded {
  /** The channel has more that is due. */
  readonly more: boolean;
  /** From the check's result that was decided on until now. */
  readonly latencyMs: number;
}

/** The receiver has it. */
export async function recordDelivered(sql: Sql, { id, attempt }: Attempt): Promise<Recorded | null> {
  return finish(sql, { id, attempt, status: "delivered", error: null });
}

/** It failed, and no further attempt follows. */
export async function recordExhausted(sql: Sql, { id, attempt }: Attempt, error: string): Promise<Recorded | null> {
  return finish(sql, { id, attempt, status: "exhausted", error });
}

/** No attempt is made: its channel or monitor is gone. */
export async function recordCancelled(sql: Sql, { id, attempt }: Attempt): Promise<Recorded | null> {
  return finish(sql, { id, attempt, status: "cancelled", error: null });
}

async function finish(
  sql: Sql,
  end: Attempt & { status: "delivered" | "exhausted" | "cancelled"; error: string | null },
): Promise<Recorded | null> {
  const [row] = await sql<Recorded>`
    with finished as (
      update deliveries
      set status = ${end.status}, finished_at = app_now(), leased_until = null, last_error = ${end.error}
      where id = ${end.id} and attempts = ${end.attempt} and status = 'pending' and leased_until is not null
      returning channel_id, answered_at
    )
    select extract(epoch from app_now() - f.answered_at)::float8 * 1000 as "latencyMs",
      exists (
        select from deliveries d
        where d.channel_id = f.channel_id and d.status = 'pending' and d.next_attempt_at <= app_now()
          and (d.leased_until is null or d.leased_until <= app_now()) and d.id <> ${end.id}
      ) as more
    from finished f`;
  return row ?? null;
}

/** It failed and is attempted again after `delayMs`; the sweep is due then. */
export async function recordFailed(
  sql: Sql,
  { id, attempt }: Attempt,
  { error, delayMs }: { error: string; delayMs: number },
): Promise<void> {
  await sql`
    with failed as (
      update deliveries
      set next_attempt_at = app_now() + make_interval(secs => ${delayMs}::float8 / 1000), leased_until = null,
        failures = failures + 1, last_error = ${error}
      where id = ${id} and attempts = ${attempt} and status = 'pending' and leased_until is not null
      returning next_attempt_at
    )
    select wake_schedule('sweep-deliveries', next_attempt_at) from failed`;
}

/** The attempt was broken off, or never begun: no failure, and anybody may make the next one now. */
export async function recordBrokenOff(sql: Sql, { id, attempt }: Attempt): Promise<void> {
  await sql`
    with released as (
      update deliveries set leased_until = null
      where id = ${id} and attempts = ${attempt} and status = 'pending' and leased_until is not null
      returning id
    )
    select wake_schedule('sweep-deliveries') from released`;
}

/**
 * The receiver is gone for good: its channel is disabled, and all that is pending for it is cancelled, this delivery too.
 * `isGone` is false where the channel has another receiver by now, or another attempt has taken over.
 */
export async function recordGone(
  sql: Sql,
  { id, attempt, channelId, channelConfig }: Attempt & Pick<LeasedDelivery, "channelId" | "channelConfig">,
  error: string,
): Promise<{ isGone: boolean; cancelled: number }> {
  const config = JSON.stringify(channelConfig);
  // The channel's row first, then its deliveries by id: whoever disables or deletes a channel locks in that order too.
  const [rows] = await sql.transaction([
    sql<{ isGone: boolean; cancelled: number }>`
      with gone as materialized (
        select channel_id from deliveries
        where id = ${id} and attempts = ${attempt} and status = 'pending' and leased_until is not null
      ),
      disabled as (
        update channels set disabled = true, updated_at = app_now()
        where id in (select channel_id from gone) and config = ${config}::text::jsonb
        returning id
      )
      -- Or it was carried out before, and the reply was lost.
      select exists (select from disabled) or exists (
          select from channels where id = ${channelId} and disabled and config = ${config}::text::jsonb
        ) as "isGone",
        cancel_deliveries(array(
          select id from deliveries where channel_id in (select id from disabled) and status = 'pending'
        )) as cancelled`,
    sql`
      update deliveries set last_error = ${error}
      where id = ${id} and attempts = ${attempt} and status = 'cancelled'`,
  ]);
  const [row] = rows as { isGone: boolean; cancelled: number }[]; // of the first statement
  return row ?? { isGone: false, cancelled: 0 };
}
