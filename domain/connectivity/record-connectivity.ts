import type { Sql } from "../../runtime/drivers/sql/sql.ts";

/** What a process found out about its own connectivity. */
export interface ConnectivityReport {
  readonly reporter: string;
  /** Since when it is offline, and when it last found that out, in milliseconds ago. Null: it is online. */
  readonly offline: { readonly sinceMs: number; readonly lastMs: number } | null;
}

/** What a report changed for all of Stillup. */
interface ConnectivityChange {
  readonly change: "offline" | "online" | null;
  /** The channels to wake. */
  readonly channelIds: string[];
}

/**
 * Stores what a process found out about its connectivity. Stillup goes offline with the first report of an offline
 * process, and online when no such process is left: each must report that it is online, or report nothing for 15 s. A
 * change notifies the channels with `systemAlerts`. After offline time every monitor is due at once.
 *
 * One statement, which decides on the locked row, so that many reports at once make one change. It may run twice: the
 * second time it changes nothing. A report from before Stillup was online again comes too late and is dropped.
 */
export async function recordConnectivity(
  sql: Sql,
  { reporter, offline }: ConnectivityReport,
): Promise<ConnectivityChange> {
  const [row] = await sql<ConnectivityChange>`
    with found as materialized (
      select app_now() - make_interval(secs => ${offline?.lastMs ?? 0}::float8 / 1000) as at,
        app_now() - make_interval(secs => ${offline?.sinceMs ?? 0}::float8 / 1000) as since,
        ${offline !== null}::boolean as is_offline
    ),
    locked as materialized (select * from connectivity for update),
    reported as materialized (
      select l.event_count, l.offline_since, greatest(found.since, l.online_at) as since,
        (
          select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each_text(l.offline_reporters)
          where key <> ${reporter} and value::timestamptz > app_now() - interval '15 s'
        ) || case
          when not is_offline or found.at <= l.online_at then '{}'
          else jsonb_build_object(${reporter}::text, iso(found.at))
        end as reporters
      from locked l cross join found
    ),
    decided as materialized (
      select *, case
          when offline_since is null and reporters <> '{}' then 'offline'
          when offline_since is not null and reporters = '{}' then 'online'
        end as change
      from reported
    ),
    stored as (
      update connectivity s
      set offline_reporters = d.reporters,
        event_count = case when d.change is null then s.event_count else s.event_count + 1 end,
        offline_since = case d.change when 'offline' then d.since when 'online' then null else s.offline_since end,
        online_at = case d.change when 'online' then app_now() else s.online_at end
      from decided d
    ),
    planned as (
      insert into deliveries (id, event_id, channel_id, monitor_id, event_number, type, data, occurred_at)
      select 'dlv_system_' || d.event_count + 1 || '_' || substr(c.id, 4), 'evt_system_' || d.event_count + 1, c.id,
        'system', d.event_count + 1, 'system.' || d.change,
        case d.change
          when 'offline' then jsonb_build_object('since', iso(d.since))
          else jsonb_build_object('since', iso(d.offline_since), 'until', iso(app_now()))
        end,
        app_now()
      from decided d
      join channels c on d.change is not null and c.system_alerts and not c.disabled and c.deleted_at is null
      on conflict (id) do nothing
      returning channel_id
    )
    select change, coalesce((select jsonb_agg(channel_id) from planned), '[]') as "channelIds",
      case when change = 'online' then make_monitors_due(array(
        select id from monitors where status <> 'paused' and deleted_at is null
      )) end
    from decided`;
  return { change: row?.change ?? null, channelIds: row?.channelIds ?? [] };
}
