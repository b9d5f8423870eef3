import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { EventFacts } from "../channels/events.ts";
import { sendableTypes } from "../channels/find-sender.ts";

/** A delivery that this process alone may send, for 30 s. */
export interface LeasedDelivery {
  readonly id: string;
  readonly event: EventFacts;
  readonly channelId: string;
  readonly channelType: string;
  /** What the sender of its type takes. */
  readonly channelConfig: unknown;
  /** The number of this attempt, from 1: the fence. A result counts only while the attempt is the delivery's last. */
  readonly attempt: number;
  /** How many attempts failed, and how long ago the first of them began. A retry by a person resets both. */
  readonly failures: number;
  readonly failingForMs: number;
  /** Its channel or monitor was deleted, or the channel disabled, while it was planned. */
  readonly void: boolean;
}

/**
 * Leases what is due for these channels, about 20 deliveries per channel at once over all processes, so that a slow
 * receiver delays no other. (Processes that lease at the same moment do not see each other's leases.) A delivery is
 * leased only when all earlier ones of its monitor and channel are finished. Channels of a type that only a newer
 * release knows are left to it.
 *
 * It does not wait for the disk, which took 0.2 of 0.6 ms: a lease that a crash of Postgres takes back costs one more
 * attempt with the same id.
 */
export async function leaseDeliveries(sql: Sql, channelIds: readonly string[]): Promise<LeasedDelivery[]> {
  const rows = await sql<Omit<LeasedDelivery, "event"> & Omit<EventFacts, "id">>`
    with setting as materialized (select set_config('synchronous_commit', 'off', true)),
    due as materialized (
      select d.*, c.type as channel_type, c.config, c.disabled or c.deleted_at is not null as is_closed
      from setting
      join channels c on c.id = any(${channelIds}::text[]) and c.type = any(${sendableTypes}::text[])
      cross join lateral (
        select id, channel_id, monitor_id from deliveries d
        where d.channel_id = c.id and d.status = 'pending' and d.next_attempt_at <= app_now()
          and (d.leased_until is null or d.leased_until <= app_now())
          -- Not a "not exists": that became a join of all pairs, 34 s for 10,000 due deliveries of one channel. Not a
          -- min(): where the planner expects few rows, as before every outage, it reads all of the channel (50 ms).
          and d.event_number = (
            select event_number from deliveries earlier
            where earlier.channel_id = d.channel_id and earlier.monitor_id = d.monitor_id and earlier.status = 'pending'
            order by event_number limit 1
          )
        order by d.next_attempt_at
        limit greatest(0, 20 - (
          select count(*) from deliveries busy
          where busy.channel_id = c.id and busy.status = 'pending' and busy.leased_until > app_now()
        ))
        for update skip locked
      ) d
    )
    update deliveries d
    set attempts = d.attempts + 1, attempted_at = app_now(), leased_until = app_now() + interval '30 s',
      failing_since = case when d.failures = 0 then app_now() else d.failing_since end
    from due left join monitors m on m.id = due.monitor_id
    where d.id = due.id
    returning d.id, d.type, iso(d.occurred_at) as timestamp, d.data, d.channel_id as "channelId",
      due.channel_type as "channelType", due.config as "channelConfig", d.attempts as attempt, d.failures,
      extract(epoch from app_now() - d.failing_since)::float8 * 1000 as "failingForMs",
      due.is_closed or m.deleted_at is not null as void`;
  return rows.map(({ type, timestamp, data, ...lease }) => {
    const event = { id: lease.id, type, timestamp, data } as EventFacts; // its `type` says what its `data` is
    return { ...lease, event };
  });
}
