import type { Incident } from "./schema.ts";

/** A row of `incidents`. */
export interface IncidentRow {
  readonly id: string;
  readonly monitor_id: string;
  readonly started_at: Date;
  readonly confirmed_at: Date;
  readonly acknowledged_at: Date | null;
  readonly resolved_at: Date | null;
  readonly resolution: Incident["resolution"];
  readonly cause: Incident["cause"];
}

export function toIncident(row: IncidentRow): Incident {
  return {
    id: row.id,
    monitorId: row.monitor_id,
    status: row.resolved_at ? "resolved" : row.acknowledged_at ? "acknowledged" : "open",
    startedAt: row.started_at.toISOString(),
    confirmedAt: row.confirmed_at.toISOString(),
    acknowledgedAt: row.acknowledged_at?.toISOString() ?? null,
    resolvedAt: row.resolved_at?.toISOString() ?? null,
    resolution: row.resolution,
    cause: row.cause,
  };
}
