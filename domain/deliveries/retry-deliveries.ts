import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { StillupError } from "../../runtime/errors.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { encode } from "../shared/page.ts";
import type { RetriedAll } from "../shared/retried-all.ts";
import { type DeliveryRow, toDelivery } from "./row.ts";
import type { Delivery, RetryDeliveriesQuery } from "./schema.ts";

const A_STATEMENT = 500;

/**
 * Sends a delivery again that was exhausted or cancelled, with the same id; one that is pending or delivered stays as it
 * is. This includes one that a pause cancelled, because a person asks for it. Resolves with the channels to wake. Throws
 * StillupError `not_found`, or `wrong_state` when nobody can receive it.
 */
export async function retryDelivery(sql: Sql, id: string): Promise<{ delivery: Delivery; channelIds: string[] }> {
  const channelIds = await retry(sql, [id], ["exhausted", "cancelled"]);
  const [row] = await sql<DeliveryRow & Obstacles>`
    select d.*, c.id is null or c.deleted_at is not null as "channelGone", c.disabled as "channelDisabled",
      m.deleted_at is not null as "monitorGone"
    from deliveries d
    left join channels c on c.id = d.channel_id
    left join monitors m on m.id = d.monitor_id
    where d.id = ${id}`;
  const delivery = orNotFound(row, "delivery");
  const obstacle = obstacleOf(delivery);
  if (obstacle !== null) throw new StillupError("wrong_state", obstacle);
  return { delivery: toDelivery(delivery), channelIds };
}

interface Obstacles {
  readonly channelGone: boolean;
  readonly channelDisabled: boolean | null;
  readonly monitorGone: boolean;
}

function obstacleOf({ status, channelGone, channelDisabled, monitorGone }: DeliveryRow & Obstacles): string | null {
  if (status === "pending" || status === "delivered") return null;
  if (channelGone) return "Its channel was deleted. It cannot be sent any more.";
  if (channelDisabled) return "Its channel is disabled. Enable it first, then retry.";
  return monitorGone ? "Its monitor was deleted. It cannot be sent any more." : null;
}

/**
 * Sends up to 500 deliveries again that were exhausted before the first of these calls, oldest first. Not sent: what
 * nobody can receive, and what a later event of its monitor has overtaken on its channel. `nextCursor` is null when
 * there are no more.
 */
export async function retryDeliveries(
  sql: Sql,
  { channelId, monitorId, cursor }: RetryDeliveriesQuery,
): Promise<{ answer: RetriedAll; channelIds: string[] }> {
  const rows = await sql<{ id: string; until: string }>`
    with until as materialized (select least(${cursor.at}::text::timestamptz, app_now()) as at)
    select d.id, until.at::text as until
    from until, deliveries d
    join channels c on c.id = d.channel_id and c.deleted_at is null and not c.disabled
    left join monitors m on m.id = d.monitor_id
    where d.status = 'exhausted' and d.finished_at <= until.at and m.deleted_at is null
      and not exists (
        select from deliveries later
        where later.monitor_id = d.monitor_id and later.channel_id = d.channel_id and later.event_number > d.event_number
          and later.created_at >= d.created_at and later.status = 'delivered'
      )
      and (${channelId}::text is null or d.channel_id = ${channelId}::text)
      and (${monitorId}::text is null or d.monitor_id = ${monitorId}::text)
    order by d.created_at, d.event_number, d.id
    limit ${A_STATEMENT + 1}::int4`;
  const ids = rows.slice(0, A_STATEMENT).map(({ id }) => id);
  const retried = ids.length === 0 ? [] : await retry(sql, ids, ["exhausted"]);
  const [more] = rows.slice(A_STATEMENT);
  const nextCursor = more === undefined ? null : encode({ at: more.until, id: "" });
  return { answer: { retried: retried.length, nextCursor }, channelIds: [...new Set(retried)] };
}

/**
 * Makes these deliveries pending, as far as they have one of these statuses; resolves with the channel of each. It may
 * run twice: the second time it finds none. `attempts` goes on, so that an earlier attempt that is under way records
 * nothing. A channel or monitor that is deleted meanwhile is found by the lease.
 */
async function retry(
  sql: Sql,
  ids: readonly string[],
  statuses: readonly ("exhausted" | "cancelled")[],
): Promise<string[]> {
  const [row] = await sql<{ channelIds: string[] }>`
    with ended as materialized (
      select d.id from deliveries d
      join channels c on c.id = d.channel_id and c.deleted_at is null and not c.disabled
      left join monitors m on m.id = d.monitor_id
      where d.id = any(${ids}::text[]) and d.status = any(${statuses}::text[]) and m.deleted_at is null
      order by d.id for update of d
    ),
    retried as (
      update deliveries d
      set status = 'pending', failures = 0, next_attempt_at = app_now(), leased_until = null,
        finished_at = null
      from ended where d.id = ended.id
      returning d.channel_id
    )
    -- An aggregate reads all rows first, so that all deliveries are locked before the schedule is.
    select jsonb_agg(channel_id) as "channelIds", wake_schedule('sweep-deliveries') from retried having count(*) > 0`;
  return row?.channelIds ?? [];
}
