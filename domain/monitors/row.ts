import { findKind } from "../kinds/find-kind.ts";
import type { Kind } from "../kinds/kind.ts";
import { defaultsOf, pickFields } from "../shared/field-map.ts";
import { maskSecrets } from "../shared/secrets.ts";
import { type CommonValues, commonFields } from "./fields.ts";
import type { Monitor } from "./schema.ts";

/** What is read of a row of `monitors`, beside the columns of the fields that all monitors have. */
export interface MonitorRow {
  readonly id: string;
  readonly type: string;
  readonly target: string;
  /** Which version of its kind's fields `config` holds. */
  readonly form: number;
  readonly config: Readonly<Record<string, unknown>>;
  /** `timeout_ms`, or what follows from the interval. */
  readonly check_timeout_ms: number;
  readonly status: Monitor["status"];
  readonly status_since: Date;
  readonly last_check_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly [column: string]: unknown;
}

/** The column of a field that all monitors have: `interval_seconds` for `intervalSeconds`. */
export function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The fields that all monitors have, as they are stored. */
export function commonOf(row: MonitorRow): CommonValues {
  const entries = Object.keys(commonFields).map((field) => [field, row[columnOf(field)]]);
  return Object.fromEntries(entries) as CommonValues; // each column holds what its field's schema made
}

/** The kind's own fields, as they are stored; one that was added to the kind since then has its default. */
export function configOf(kind: Kind, { config }: MonitorRow): Readonly<Record<string, unknown>> {
  return pickFields(kind.config, { ...defaultsOf(kind.config), ...config });
}

/** A monitor as it is shown. Of a kind that this release does not know only what all monitors have. */
export function toMonitor(row: MonitorRow): Monitor {
  const kind = findKind(row.type);
  const { name, ...common } = commonOf(row);
  return {
    id: row.id,
    name,
    type: row.type,
    target: row.target,
    ...(kind && maskSecrets(configOf(kind, row), kind.secrets)),
    ...common,
    timeoutMs: row.check_timeout_ms,
    status: row.status,
    statusSince: row.status_since.toISOString(),
    lastCheckAt: row.last_check_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
