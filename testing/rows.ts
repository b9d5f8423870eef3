import * as z from "zod/mini";
import { findKind } from "../domain/kinds/find-kind.ts";
import { toColumns } from "../domain/monitors/columns.ts";
import { commonFields } from "../domain/monitors/fields.ts";
import { columnOf } from "../domain/monitors/row.ts";
import { MonitorInput } from "../domain/monitors/schema.ts";
import { template } from "../domain/shared/template.ts";
import type { Sql } from "../runtime/drivers/sql/sql.ts";
import { aChannel, aMonitor, aMonitorChange } from "./factories.ts";

// The one place that writes rows of Stillup's tables for tests: a column that changes is changed here. Every function
// takes what the API calls a field, or a column's name in camelCase, and fills in the rest.

/** ISO 8601, or seconds from now by the database's clock: `-30` was half a minute ago. */
type RowTime = string | Date | number | null;

/** What `POST /v1/monitors` takes, and the state that the monitor is in. */
export interface MonitorRow {
  readonly id?: string;
  readonly status?: string;
  readonly version?: number;
  readonly seq?: number;
  readonly eventCount?: number;
  readonly reportedDown?: boolean;
  readonly pendingEvents?: readonly object[];
  readonly nextCheckAt?: RowTime;
  readonly waitingSince?: RowTime;
  readonly createdAt?: RowTime;
  readonly deletedAt?: RowTime;
  readonly [field: string]: unknown;
}

/** A monitor as the API would create it, in the state that the test wants. Resolves with its id. */
export async function addMonitor(sql: Sql, over: MonitorRow = {}): Promise<string> {
  return first(await addMonitors(sql, [over]));
}

/** Many in one statement, all with the same fields given. Resolves with their ids in this order. */
export async function addMonitors(sql: Sql, rows: readonly MonitorRow[]): Promise<string[]> {
  return insert(sql, "monitors", rows.map(toMonitorColumns));
}

function toMonitorColumns(over: MonitorRow): Fields {
  const fields = aMonitor(over);
  const kind = findKind(fields.type);
  if (kind === undefined) throw new Error(`There is no kind of monitor ${fields.type}.`);
  const isInput = ([name]: [string, unknown]) => name === "type" || name in commonFields || name in kind.config;
  const entries = Object.entries(fields);
  const input = z.parse(MonitorInput, Object.fromEntries(entries.filter(isInput)));
  const state = Object.fromEntries(entries.filter((entry) => !isInput(entry)));
  return { ...JSON.parse(toColumns(kind, input)), ...state };
}

export interface ChannelRow {
  readonly id?: string;
  readonly name?: string;
  readonly type?: string;
  readonly isDefault?: boolean;
  readonly systemAlerts?: boolean;
  readonly config?: object;
  readonly disabled?: boolean;
  readonly createdAt?: RowTime;
}

/** A secret that channels of tests sign with. */
export const A_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** A default webhook, or as the test wants it. Resolves with its id. The config of another type is taken as it is. */
export async function addChannel(sql: Sql, over: ChannelRow = {}): Promise<string> {
  const { config: webhook, ...fields } = aChannel();
  const config = over.type === undefined ? { ...webhook, secret: A_SECRET, ...over.config } : over.config;
  return first(await insert(sql, "channels", [{ ...fields, isDefault: true, ...over, config }]));
}

export interface DeliveryRow {
  readonly id?: string;
  readonly eventId?: string;
  readonly channelId?: string;
  readonly monitorId?: string;
  readonly eventNumber?: number;
  readonly type?: string;
  readonly data?: object;
  readonly status?: string;
  readonly attempts?: number;
  readonly failures?: number;
  readonly failingSince?: RowTime;
  readonly attemptedAt?: RowTime;
  readonly nextAttemptAt?: RowTime;
  readonly lastError?: string | null;
  readonly createdAt?: RowTime;
  readonly finishedAt?: RowTime;
}

/** A pending delivery that is due, or as the test wants it. Resolves with its id. */
export async function addDelivery(sql: Sql, over: DeliveryRow = {}): Promise<string> {
  return first(await addDeliveries(sql, [over]));
}

/** Many in one statement, all with the same fields given. Resolves with their ids in this order. */
export async function addDeliveries(sql: Sql, rows: readonly DeliveryRow[]): Promise<string[]> {
  return insert(
    sql,
    "deliveries",
    rows.map((over) => {
      const { channelId = "ch_1", monitorId = "mon_1", eventNumber = 1 } = over;
      return {
        id: `dlv_${monitorId.replace("mon_", "")}_${eventNumber}_${channelId.replace("ch_", "")}`,
        eventId: `evt_${eventNumber}`,
        channelId,
        monitorId,
        eventNumber,
        type: "monitor.down",
        data: aMonitorChange({ id: monitorId }),
        occurredAt: 0,
        ...over,
      };
    }),
  );
}

export interface IncidentRow {
  readonly id?: string;
  readonly monitorId?: string;
  readonly startedAt?: RowTime;
  readonly confirmedAt?: RowTime;
  readonly resolvedAt?: RowTime;
  readonly resolution?: string | null;
}

let incidents = 0;

/** An open incident that began now, or as the test wants it. Resolves with its id. */
export async function addIncident(sql: Sql, over: IncidentRow = {}): Promise<string> {
  incidents += 1;
  const cause = { outcome: "dns", statusCode: null, detail: null };
  const row = { id: `inc_1_${incidents}`, monitorId: "mon_1", startedAt: 0, confirmedAt: 0, cause, ...over };
  return first(await insert(sql, "incidents", [row]));
}

export interface CheckRow {
  readonly monitorId?: string;
  readonly at?: RowTime;
  readonly outcome?: string;
  readonly statusCode?: number | null;
  readonly totalMs?: number;
  readonly dnsMs?: number | null;
  readonly connectMs?: number | null;
  readonly tlsMs?: number | null;
  readonly firstByteMs?: number | null;
  readonly bodyMs?: number | null;
  readonly detail?: string | null;
}

/** Stored checks, `ok` and of now unless the test says something else; all with the same fields given. */
export async function addChecks(sql: Sql, rows: readonly CheckRow[]): Promise<void> {
  const defaults = { monitorId: "mon_1", at: 0, outcome: "ok", totalMs: 1 };
  await insert(
    sql,
    "checks",
    rows.map((over) => ({ ...defaults, ...over })),
  );
}

export interface StatusChangeRow {
  readonly monitorId?: string;
  readonly version?: number;
  readonly status?: string;
  readonly at?: RowTime;
  readonly decidedAt?: RowTime;
}

/** Statuses of monitors over time; all with the same fields given. */
export async function addStatusChanges(sql: Sql, rows: readonly StatusChangeRow[]): Promise<void> {
  await insert(
    sql,
    "status_changes",
    rows.map((over) => ({ monitorId: "mon_1", version: 1, status: "up", at: 0, ...over })),
  );
}

export interface RollupRow {
  readonly monitorId?: string;
  readonly start?: RowTime;
  readonly upSeconds?: number;
  readonly downSeconds?: number;
  readonly checks?: number;
  readonly failures?: number;
  readonly totalMsSum?: number;
  readonly totalMsMax?: number;
}

/** Sums of hours or days; all with the same fields given. */
export async function addRollups(
  sql: Sql,
  table: "rollups_hour" | "rollups_day",
  rows: readonly RollupRow[],
): Promise<void> {
  const sums = { upSeconds: 1, downSeconds: 1, checks: 1, failures: 1, totalMsSum: 1, totalMsMax: 1 };
  await insert(
    sql,
    table,
    rows.map((over) => ({ monitorId: "mon_1", start: 0, ...sums, ...over })),
  );
}

export interface DeadLetterRow {
  readonly id?: string;
  readonly stream?: string;
  readonly messageId?: string;
  readonly body?: string;
  readonly reason?: string;
  readonly attempts?: number;
  readonly createdAt?: RowTime;
}

let deadLetters = 0;

/** Dead letters; all with the same fields given. Resolves with their ids in this order. */
export async function addDeadLetters(sql: Sql, rows: readonly DeadLetterRow[]): Promise<string[]> {
  return insert(
    sql,
    "dead_letters",
    rows.map((over) => {
      deadLetters += 1;
      const messageId = `${deadLetters}-0`;
      return { stream: "checks.due", messageId, body: "rubbish", reason: "It is rubbish.", attempts: 1, ...over };
    }),
  );
}

/** So many rows: all alike, or each by its number from 1: `times(250, (n) => ({ name: `m${n}` }))`. */
export function times<Row extends object>(count: number, row: Row | ((n: number) => Row)): Row[] {
  return Array.from({ length: count }, (_, index) => (typeof row === "function" ? row(index + 1) : row));
}

/** Makes these monitors' checks due now, or all. */
export async function makeDue(sql: Sql, ids: readonly string[] | null = null): Promise<void> {
  await sql`update monitors set next_check_at = app_now() where ${ids}::text[] is null or id = any(${ids}::text[])`;
}

/** Lets every schedule run at its next call, however long it was to wait. */
export async function makeSchedulesDue(sql: Sql): Promise<void> {
  await sql`update schedules set next_run_at = '-infinity'`;
}

type Fields = Readonly<Record<string, unknown>>;

/** Columns that are not given have the table's own default. Resolves with the ids, for a table that has them. */
async function insert(sql: Sql, table: string, rows: readonly Fields[]): Promise<string[]> {
  const [row] = rows;
  if (row === undefined) return [];
  const columns = Object.keys(row).map(columnOf);
  const values = columns.map((name) =>
    isTime(name)
      ? `coalesce(app_now() + make_interval(secs => (given->'fromNow'->>'${name}')::float8), whole.${name})`
      : `whole.${name}`,
  );
  const statement = template(
    `insert into ${table} as made (${columns.join(", ")})
    select ${values.join(", ")} from jsonb_array_elements(`,
    `::text::jsonb) with ordinality as g (given, n),
      jsonb_populate_record(null::${table}, given->'row') as whole
    order by n
    returning to_jsonb(made)->>'id' as id`,
  );
  const added = await sql<{ id: string }>(statement, JSON.stringify(rows.map(toJson)));
  return added.map(({ id }) => id);
}

/** Times that are given in seconds from now are apart from the other values. */
function toJson(fields: Fields) {
  const entries = Object.entries(fields).map(([field, value]) => [columnOf(field), value] as const);
  const isFromNow = ([name, value]: readonly [string, unknown]) => isTime(name) && typeof value === "number";
  return {
    row: Object.fromEntries(entries.filter((entry) => !isFromNow(entry))),
    fromNow: Object.fromEntries(entries.filter(isFromNow)),
  };
}

function isTime(column: string): boolean {
  return /(^|_)(at|start|since)$/.test(column);
}

function first(ids: readonly string[]): string {
  const [id] = ids;
  if (id === undefined) throw new Error("The database returned no row.");
  return id;
}
