import { invalidRequest } from "../../runtime/api/problem.ts";
import type { Config } from "../../runtime/config/config.ts";

/** Throws StillupError `invalid_request` for an interval that the host cannot keep; undefined is one that does not change. */
export function refuseShortInterval({ limits }: Config, intervalSeconds: number | undefined): void {
  if (limits === undefined || intervalSeconds === undefined || intervalSeconds >= limits.minIntervalSeconds) return;
  const why = "its clock ticks once a minute, and WORK_SECONDS says that it works for less of it";
  const message = `intervalSeconds must be at least ${limits.minIntervalSeconds} on this host: ${why}`;
  throw invalidRequest([{ field: "intervalSeconds", message }]);
}
