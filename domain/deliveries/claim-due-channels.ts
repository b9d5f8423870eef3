import type { Sql } from "../../runtime/drivers/sql/sql.ts";

/**
 * Claims the sweep: channels with something due, at most 500, which may be in no stream any more.
 *
 * It moves a later attempt forward when there is a reason to try now: the monitor has a newer event for the channel,
 * which must wait for this one; the channel was changed; or it accepted something newer and the last attempt was ten
 * minutes ago. Otherwise a receiver that was away for hours would get a new outage hours late.
 */
export async function claimDueChannels(sql: Sql): Promise<{ channelIds: string[]; nextInMs: number }> {
  const [row] = await sql<{ channelIds: string[]; nextInMs: number }>`
    with claim as materialized (
      select claimed, next_in_ms
      from claim_schedule('sweep-deliveries', 9.5, due_at => (
        select min(next_attempt_at) from deliveries where status = 'pending' and next_attempt_at > app_now()
      ))
    ),
    -- Once per channel and not per delivery: a channel may have thousands.
    far as materialized (
      select c.id as channel_id, c.updated_at as changed_at, (
        select accepted.created_at from deliveries accepted
        where accepted.channel_id = c.id and accepted.status = 'delivered'
          and accepted.created_at > app_now() - interval '1 day'
        order by accepted.created_at desc limit 1
      ) as accepted_at
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
          d.attempted_at < far.changed_at
          or d.attempted_at < far.accepted_at and d.attempted_at < app_now() - interval '10 min'
          -- Not an "exists": that joined all pairs, over 4.5 s for 10,000 deliveries that wait.
          or d.attempted_at < (
            select newest.created_at from deliveries newest
            where newest.channel_id = d.channel_id and newest.monitor_id = d.monitor_id and newest.status = 'pending'
            order by newest.event_number desc limit 1
          )
        )
      order by d.id limit 1000
      for update of d skip locked
    ),
    moved as (
      update deliveries d set next_attempt_at = app_now() from waiting where d.id = waiting.id
      returning d.channel_id
    ),
    due as (
      select channel_id from moved
      union
      select channel_id from deliveries
      where status = 'pending' and next_attempt_at <= app_now() and (select claimed from claim)
        and (leased_until is null or leased_until <= app_now())
    ),
    -- In random order, so that with more than 500 none is left out every time.
    chosen as (select channel_id from due order by random() limit 500)
    select coalesce((select jsonb_agg(channel_id) from chosen), '[]') as "channelIds", next_in_ms as "nextInMs" from claim`;
  return row ?? { channelIds: [], nextInMs: 9500 };
}
