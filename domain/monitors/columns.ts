import type { Kind } from "../kinds/kind.ts";
import { pickFields } from "../shared/field-map.ts";
import { commonFields } from "./fields.ts";
import { columnOf } from "./row.ts";
import type { MonitorInput } from "./schema.ts";

/** The columns that people decide on and may change, for a statement's text. */
export const inputColumns = [...Object.keys(commonFields).map(columnOf), "target", "form", "config"].join(", ");

/** Their values and the type, as JSON for `jsonb_populate_record(null::monitors, ...)`. */
export function toColumns(kind: Kind, input: MonitorInput): string {
  const { type, form } = kind;
  const config = pickFields(kind.config, input);
  const common = Object.entries(pickFields(commonFields, input)).map(([field, value]) => [columnOf(field), value]);
  return JSON.stringify({ ...Object.fromEntries(common), type, target: kind.target(config), form, config });
}
