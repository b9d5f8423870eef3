import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { LeasedDelivery } from "./lease-deliveries.ts";

/**
 * An attempt: its outcome counts only while it is the last attempt of its delivery, and leased. A delivery that a person
 * retries keeps its count and has no lease, so that a late outcome of an earlier attempt changes nothing.
 */
interface Attempt {
  readonly id: string;
  readonly attempt: number;
}

/** What recording an outcome did. Null: a later attempt was leased, and nothing was recorded. */
export interface Recorded {
  /** Whether the channel has more that is due. */
  readonly more: boolean;
  /** From the event until now. */
  readonly latencyMs: number;
}

/** The receiver accepted it. */
export async function recordDelivered(sql: Sql, { id, attempt }: Attempt): Promise<Recorded | null> {
  return finish(sql, { id, attempt, status: "delivered", error: null });
}

/** It failed too often: there are no more attempts. */
export async function recordExhausted(sql: Sql, { id, attempt }: Attempt, error: string): Promise<Recorded | null> {
  return finish(sql, { id, attempt, status: "exhausted", error });
}

/** It is not sent: its channel or monitor was deleted, or its channel disabled. */
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
      returning channel_id, occurred_at
    )
    select extract(epoch from app_now() - f.occurred_at)::float8 * 1000 as "latencyMs",
      exists (
        select from deliveries d
        where d.channel_id = f.channel_id and d.status = 'pending' and d.next_attempt_at <= app_now()
          and (d.leased_until is null or d.leased_until <= app_now()) and d.id <> ${end.id}
      ) as more
    from finished f`;
  return row ?? null;
}

/** It failed. The next attempt is after `delayMs`, and the sweep runs then. */
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

/** It was broken off, or never began. That is no failure, and any process may send it now. */
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
 * The receiver is gone for good: its channel is disabled, and everything that is pending for it is cancelled. `isGone`
 * is false when the channel has another receiver by now, or a later attempt was leased.
 */
export async function recordGone(
  sql: Sql,
  { id, attempt, channelId, channelConfig }: Attempt & Pick<LeasedDelivery, "channelId" | "channelConfig">,
  error: string,
): Promise<{ isGone: boolean; cancelled: number }> {
  const config = JSON.stringify(channelConfig);
  // It locks the channel's row first and its deliveries by id then, as every statement that disables a channel does.
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
      -- It may have run before, when the reply was lost.
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
