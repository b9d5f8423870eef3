import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import type { Uptime } from "./schema.ts";

const DAYS = { "24h": 1, "7d": 7, "30d": 30, "90d": 90 };

interface UptimeRow {
  readonly from_at: Date;
  readonly to_at: Date;
  readonly total_seconds: number;
  readonly up_seconds: number;
  readonly down_seconds: number;
  readonly incidents: number;
}

/**
 * A monitor's time up and down in a window that ends now. Whole hours come from the roll-ups; the hour in which the
 * window begins, and what is not rolled up yet, come from the status changes. Throws StillupError `not_found`.
 */
export async function getUptime(sql: Sql, { id, window }: { id: string; window: Uptime["window"] }): Promise<Uptime> {
  const [row] = await sql<UptimeRow>`
    with span as materialized (
      select id, rolled_up_to, from_at, to_at,
        date_trunc('hour', from_at + interval '1 hour', 'UTC') as first_hour
      from monitors
      cross join lateral (select app_now() - make_interval(hours => ${DAYS[window] * 24}::int4) as from_at) as a
      cross join lateral (select app_now() as to_at) as b
      where id = ${id} and deleted_at is null
    )
    select from_at, to_at, extract(epoch from to_at - from_at)::float8 as total_seconds,
      rolled.up + head.up_seconds + tail.up_seconds as up_seconds,
      rolled.down + head.down_seconds + tail.down_seconds as down_seconds,
      (
        select count(*)::int4 from incidents i
        where i.monitor_id = span.id and i.started_at < to_at and (i.resolved_at is null or i.resolved_at > from_at)
      ) as incidents
    from span
    cross join lateral (
      select coalesce(sum(up_seconds), 0)::float8 as up, coalesce(sum(down_seconds), 0)::float8 as down
      from rollups_hour
      where monitor_id = span.id and start >= first_hour and start < rolled_up_to
    ) as rolled
    cross join lateral status_seconds(span.id, from_at, first_hour) as head
    cross join lateral status_seconds(span.id, greatest(first_hour, rolled_up_to), to_at) as tail`;
  return toUptime(window, orNotFound(row, "monitor"));
}

function toUptime(window: Uptime["window"], row: UptimeRow): Uptime {
  const upSeconds = toMilliseconds(row.up_seconds);
  const downSeconds = toMilliseconds(row.down_seconds);
  const known = upSeconds + downSeconds;
  return {
    window,
    from: row.from_at.toISOString(),
    to: row.to_at.toISOString(),
    uptime: known > 0 ? upSeconds / known : null,
    upSeconds,
    downSeconds,
    unknownSeconds: toMilliseconds(Math.max(0, row.total_seconds - known)),
    incidents: row.incidents,
  };
}

/** Seconds, rounded to milliseconds: sums of floats have a rest. */
function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
