import type { Sql } from "../../runtime/sql/sql.ts";

/**
 * Channels with something due that no stream may carry any more, at most 500, in the sweep's own turn.
 *
 * What waits for a far try is made due where there is reason to try now: its monitor has more to tell that channel,
 * which may not come before it; or the channel took something newer, and ten minutes went by since the last try. Else a
 * receiver that was away for hours and is back would not be told of a new outage for hours.
 */
export async function claimDueChannels(sql: Sql): Promise<{ channelIds: string[]; nextInMs: number }> {
  const [row] = await sql<{ channelIds: string[]; nextInMs: number }>`
    with turn as materialized (
      select mine, next_in_ms from claim_turn('sweep-deliveries', 9.5)
    ),
    waiting as materialized (
      select d.id from deliveries d
      where (select mine from turn) and d.status = 'pending' and d.next_attempt_at > app_now() + interval '10 s'
        and (d.leased_until is null or d.leased_until <= app_now())
        and exists (
          select from deliveries newer
          where newer.channel_id = d.channel_id and newer.created_at > d.tried_at and (
            newer.monitor_id = d.monitor_id
            or newer.status = 'delivered' and d.tried_at < app_now() - interval '10 min'
          )
        )
      order by d.id limit 1000
      for update skip locked
    ),
    hurried as (
      update deliveries d set next_attempt_at = app_now() from waiting where d.id = waiting.id
      returning d.channel_id
    ),
    due as (
      select channel_id from hurried
      union
      select channel_id from deliveries
      where status = 'pending' and next_attempt_at <= app_now() and (select mine from turn)
        and (leased_until is null or leased_until <= app_now())
    ),
    -- By chance, so that none of more than 500 is passed over each time.
    chosen as (select channel_id from due order by random() limit 500)
    select coalesce((select jsonb_agg(channel_id) from chosen), '[]') as "channelIds", next_in_ms as "nextInMs" from turn`;
  return row ?? { channelIds: [], nextInMs: 9500 };
}
