import type { Sql } from "../../runtime/drivers/sql/sql.ts";

/**
 * Channels with something due that no stream may carry any more, at most 500, in the sweep's own turn.
 *
 * What waits for a far try is made due where there is reason to try now: its monitor has more to tell that channel,
 * which may not come before it; the channel was changed; or it took something newer, and ten minutes went by since the
 * last try. Else a receiver that was away for hours and is back would not be told of a new outage for hours.
 */
export async function claimDueChannels(sql: Sql): Promise<{ channelIds: string[]; nextInMs: number }> {
  const [row] = await sql<{ channelIds: string[]; nextInMs: number }>`
    with claim as materialized (
      select claimed, next_in_ms
      from claim_schedule('sweep-deliveries', 9.5, due_at => (
        select min(next_attempt_at) from deliveries where status = 'pending' and next_attempt_at > app_now()
      ))
    ),
    -- Once for each channel, not for each delivery: a channel may have thousands.
    far as materialized (
      select c.id as channel_id, c.updated_at as changed_at, (
        select taken.created_at from deliveries taken
        where taken.channel_id = c.id and taken.status = 'delivered' and taken.created_at > app_now() - interval '1 day'
        order by taken.created_at desc limit 1
      ) as took_at
      from channels c
      where (select claimed from claim) and c.id in (
        select channel_id from deliveries where status = 'pending' and next_attempt_at > app_now() + interval '10 s'
      )
    ),
    waiting as materialized (
      select d.id from deliveries d join far on far.channel_id = d.channel_id
      where d.status = 'pending' and d.next_attempt_at > app_now() + interval '10 s'
        and (d.leased_until is null or d.leased_until <= app_now())
        and (
          d.tried_at < far.changed_at
          or d.tried_at < far.took_at and d.tried_at < app_now() - interval '10 min'
          -- Not an "exists": that was a join of all pairs, over 4.5 s for 10,000 that wait.
          or d.tried_at < (
            select newest.created_at from deliveries newest
            where newest.channel_id = d.channel_id and newest.monitor_id = d.monitor_id and newest.status = 'pending'
            order by newest.event_number desc limit 1
          )
        )
      order by d.id limit 1000
      for update of d skip locked
    ),
    hurried as (
      update deliveries d set next_attempt_at = app_now() from waiting where d.id = waiting.id
      returning d.channel_id
    ),
    due as (
      select channel_id from hurried
      union
      select channel_id from deliveries
      where status = 'pending' and next_attempt_at <= app_now() and (select claimed from claim)
        and (leased_until is null or leased_until <= app_now())
    ),
    -- By chance, so that none of more than 500 is passed over each time.
    chosen as (select channel_id from due order by random() limit 500)
    select coalesce((select jsonb_agg(channel_id) from chosen), '[]') as "channelIds", next_in_ms as "nextInMs" from claim`;
  return row ?? { channelIds: [], nextInMs: 9500 };
}
