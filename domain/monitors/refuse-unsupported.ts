import { invalidRequest } from "../../runtime/api/problem.ts";
import type { Config } from "../../runtime/config/config.ts";
import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { FieldError } from "../../runtime/errors.ts";
import type { Kind } from "../kinds/kind.ts";
import { pickFields } from "../shared/field-map.ts";
import type { MonitorInput } from "./schema.ts";

/** What writing a monitor takes from `env`. */
export interface MonitorEnv {
  readonly sql: Sql;
  readonly config: Pick<Config, "limits">;
}

/** Throws StillupError `invalid_request` for a monitor that this host cannot check, or not as often. */
export function refuseUnsupported({ limits }: MonitorEnv["config"], kind: Kind, input: MonitorInput): void {
  if (limits === undefined) return;
  const errors: FieldError[] = [];
  const missing = kind.needs(pickFields(kind.config, input)).filter((need) => !limits.capabilities.includes(need));
  if (missing.length > 0) {
    const message = `type "${kind.type}" cannot be checked on this host (${limits.host}): it offers no ${missing.join(", no ")}`;
    errors.push({ field: "type", message });
  }
  if (input.intervalSeconds < limits.minIntervalSeconds) {
    const why = "its clock ticks once a minute, and WORK_SECONDS says that it works for less of it";
    const message = `intervalSeconds must be at least ${limits.minIntervalSeconds} on this host: ${why}`;
    errors.push({ field: "intervalSeconds", message });
  }
  if (errors.length > 0) throw invalidRequest(errors);
}
