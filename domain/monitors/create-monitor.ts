import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { refuseUnknownChannels } from "../channels/refuse-unknown-channels.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { type MonitorRow, toMonitor } from "./row.ts";
import type { Monitor, MonitorInput } from "./schema.ts";

/** Adds a monitor. It is due at once. Throws StillupError `invalid_request` for channels that are not there. */
export async function createMonitor(sql: Sql, input: MonitorInput): Promise<Monitor> {
  await refuseUnknownChannels(sql, input.channelIds);
  const [row] = await sql<MonitorRow>`
    with created as (
      insert into monitors (
        name, type, url, method, headers, body, interval_seconds, timeout_ms, expect,
        failure_threshold, recovery_threshold, channel_ids, tags
      ) values (
        ${input.name}, ${input.type}, ${input.url}, ${input.method}, ${JSON.stringify(input.headers)}::text::jsonb,
        ${input.body}, ${input.intervalSeconds}, ${input.timeoutMs}, ${JSON.stringify(input.expect)}::text::jsonb,
        ${input.failureThreshold}, ${input.recoveryThreshold}, ${input.channelIds}, ${input.tags}
      )
      returning *
    )
    select *, wake_schedule('enqueue-checks') from created`;
  return toMonitor(orNotFound(row, "monitor"));
}
