import type { Monitor } from "./schema.ts";
import { timeoutFor } from "./timeout.ts";

/** What is read of a row of `monitors`. */
export interface MonitorRow {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly method: Monitor["method"];
  readonly headers: Record<string, string>;
  readonly body: string | null;
  readonly interval_seconds: number;
  readonly timeout_ms: number | null;
  readonly expect: Monitor["expect"];
  readonly failure_threshold: number;
  readonly recovery_threshold: number;
  readonly channel_ids: string[] | null;
  readonly tags: string[];
  readonly status: Monitor["status"];
  readonly status_since: Date;
  readonly last_check_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export function toMonitor(row: MonitorRow): Monitor {
  return {
    id: row.id,
    name: row.name,
    type: "http",
    url: row.url,
    method: row.method,
    headers: row.headers,
    body: row.body,
    intervalSeconds: row.interval_seconds,
    timeoutMs: timeoutFor(row.interval_seconds, row.timeout_ms),
    expect: row.expect,
    failureThreshold: row.failure_threshold,
    recoveryThreshold: row.recovery_threshold,
    channelIds: row.channel_ids,
    tags: row.tags,
    status: row.status,
    statusSince: row.status_since.toISOString(),
    lastCheckAt: row.last_check_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
