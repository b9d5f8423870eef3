import { invalidRequest } from "../../runtime/api/problem.ts";
import { checked } from "../../runtime/api/validate.ts";
import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import { StillupError } from "../../runtime/errors.ts";
import { refuseUnknownChannels } from "../channels/refuse-unknown-channels.ts";
import type { Kind } from "../kinds/kind.ts";
import { pickFields } from "../shared/field-map.ts";
import { orNotFound } from "../shared/or-not-found.ts";
import { keepSecrets } from "../shared/secrets.ts";
import { template } from "../shared/template.ts";
import { inputColumns, toColumns } from "./columns.ts";
import { kindOf } from "./kind-of.ts";
import { type MonitorEnv, refuseUnsupported } from "./refuse-unsupported.ts";
import { commonOf, configOf, type MonitorRow, toMonitor } from "./row.ts";
import { type Monitor, MonitorInput, type MonitorPatch } from "./schema.ts";

const MAX_TRIES = 5;

/** Its last change, with the microseconds that a Date has not. */
type ReadRow = MonitorRow & { readonly changed: string };

/**
 * Changes a monitor. The whole that comes of it must be right; another change in between is not overwritten, but
 * changed in turn. What is checked or when being different, it is due at once. Throws StillupError `not_found`,
 * `invalid_request`, `conflict`, and `wrong_state` for a monitor that only a newer release can change.
 */
export async function updateMonitor(
  { sql, config }: MonitorEnv,
  { id, patch }: { id: string; patch: MonitorPatch },
): Promise<{ monitor: Monitor; isDue: boolean }> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const [row] = await sql<ReadRow>`
      select *, updated_at::text as changed from monitors where id = ${id} and deleted_at is null`;
    const before = orNotFound(row, "monitor");
    const kind = kindOf(before);
    const current = { ...commonOf(before), type: kind.type, ...configOf(kind, before) };
    const next = changed(kind, current, patch);
    const isOther = identity(kind, next) !== identity(kind, current);
    const isDue = isOther || next.intervalSeconds !== current.intervalSeconds || next.timeoutMs !== current.timeoutMs;
    if (isDue) refuseUnsupported(config, kind, next);
    if (patch["channelIds"] !== undefined) await refuseUnknownChannels(sql, next.channelIds);
    const updated = await write(sql, before, { values: toColumns(kind, next), isOther, isDue });
    if (updated !== undefined) return { monitor: toMonitor(updated), isDue };
  }
  throw new StillupError("conflict", "Other requests keep changing this monitor. Read it and try again.");
}

/** The whole that comes of the patch, checked. */
function changed(kind: Kind, current: MonitorInput, patch: MonitorPatch): MonitorInput {
  const { type = kind.type } = patch;
  if (type !== kind.type) {
    const message = `type must be "${kind.type}", because a monitor's type cannot change; add another monitor instead`;
    throw invalidRequest([{ field: "type", message }]);
  }
  return checked(MonitorInput, keepSecrets({ ...current, ...patch }, current, { secrets: kind.secrets }));
}

/** What is checked, as text that is the same for the same. */
function identity(kind: Kind, input: MonitorInput): string {
  return JSON.stringify(pickFields(kind.config, input), (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

const UPDATE = template(
  `with input as (
      select r.*, `,
  `::boolean as is_other, `,
  `::boolean as is_due
      from jsonb_populate_record(null::monitors, `,
  `::text::jsonb) r
    ),
    updated as (
      update monitors m
      set (${inputColumns}) = (select ${inputColumns} from input),
        updated_at = greatest(app_now(), m.updated_at + interval '1 microsecond'), -- never the same twice
        revision = case when is_other then m.revision + 1 else m.revision end,
        streak = case when is_other then 0 else m.streak end,
        streak_since = case when is_other then null else m.streak_since end,
        streak_check = case when is_other then null else m.streak_check end,
        next_check_at = case when is_due then app_now() else m.next_check_at end
      from (select is_other, is_due from input) i
      where m.id = `,
  ` and m.deleted_at is null and m.updated_at = `,
  `::text::timestamptz
      returning m.*
    )
    select *, case when (select is_due from input) then wake_schedule('enqueue-checks') end from updated`,
);

/** Undefined when somebody changed it since it was read. */
async function write(
  sql: Sql,
  read: ReadRow,
  { values, isOther, isDue }: { values: string; isOther: boolean; isDue: boolean },
): Promise<MonitorRow | undefined> {
  const [row] = await sql<MonitorRow>(UPDATE, isOther, isDue, values, read.id, read.changed);
  return row;
}
