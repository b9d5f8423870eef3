import { checked } from "../../runtime/api/validate.ts";
import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { StillupError } from "../../runtime/errors.ts";
import { refuseUnknownChannels } from "../channels/refuse-unknown-channels.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type MonitorRow, toMonitor } from "./row.ts";
import { type Monitor, MonitorInput, type MonitorPatch } from "./schema.ts";

const MAX_TRIES = 5;

/** Its last change, with the microseconds that a Date has not. */
type ReadRow = MonitorRow & { readonly changed: string };

/**
 * Changes a monitor. The whole that comes of it must be right; another change in between is not overwritten, but
 * changed in turn. What is checked or when being different, it is due at once.
 */
export async function updateMonitor(
  sql: Sql,
  { id, patch }: { id: string; patch: MonitorPatch },
): Promise<{ monitor: Monitor; isDue: boolean }> {
  await refuseUnknownChannels(sql, patch.channelIds ?? null);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const [row] = await sql<ReadRow>`
      select *, updated_at::text as changed from monitors where id = ${id} and deleted_at is null`;
    const before = orNotFound(row, "monitor");
    const current = toInput(before);
    const next = checked(MonitorInput, { ...current, ...patch });
    const isOther = identity(next) !== identity(current);
    const isDue = isOther || next.intervalSeconds !== current.intervalSeconds || next.timeoutMs !== current.timeoutMs;
    const updated = await write(sql, before, { next, isOther, isDue });
    if (updated !== undefined) return { monitor: toMonitor(updated), isDue };
  }
  throw new StillupError("conflict", "Other requests keep changing this monitor. Read it and try again.");
}

/** Undefined when somebody changed it since it was read. */
async function write(
  sql: Sql,
  read: ReadRow,
  { next, isOther, isDue }: { next: MonitorInput; isOther: boolean; isDue: boolean },
): Promise<MonitorRow | undefined> {
  const [row] = await sql<MonitorRow>`
    with updated as (
      update monitors
      set name = ${next.name}, url = ${next.url}, method = ${next.method},
        headers = ${JSON.stringify(next.headers)}::text::jsonb, body = ${next.body},
        interval_seconds = ${next.intervalSeconds}, timeout_ms = ${next.timeoutMs},
        expect = ${JSON.stringify(next.expect)}::text::jsonb, failure_threshold = ${next.failureThreshold},
        recovery_threshold = ${next.recoveryThreshold}, channel_ids = ${next.channelIds}, tags = ${next.tags},
        updated_at = greatest(app_now(), updated_at + interval '1 microsecond'), -- never the same twice
        revision = case when ${isOther}::boolean then revision + 1 else revision end,
        streak = case when ${isOther}::boolean then 0 else streak end,
        streak_since = case when ${isOther}::boolean then null else streak_since end,
        streak_check = case when ${isOther}::boolean then null else streak_check end,
        next_check_at = case when ${isDue}::boolean then app_now() else next_check_at end
      where id = ${read.id} and deleted_at is null and updated_at = ${read.changed}::text::timestamptz
      returning *
    )
    select *, case when ${isDue}::boolean then wake_schedule('enqueue-checks') end from updated`;
  return row;
}

function toInput(row: MonitorRow): MonitorInput {
  return {
    name: row.name,
    type: "http",
    url: row.url,
    method: row.method,
    headers: row.headers,
    body: row.body,
    intervalSeconds: row.interval_seconds,
    timeoutMs: row.timeout_ms,
    expect: row.expect,
    failureThreshold: row.failure_threshold,
    recoveryThreshold: row.recovery_threshold,
    channelIds: row.channel_ids,
    tags: row.tags,
  };
}

/** What is checked, as text that is the same for the same. */
function identity({ url, method, headers, body, expect }: MonitorInput): string {
  return JSON.stringify([url, method, Object.entries(headers).sort(), body, expect.status, expect.bodyContains]);
}
