import type { Phases } from "../../runtime/drivers/http/http.ts";

/**
 * What a check saw. The kind of the monitor names what can fail; `unknown` is for when nothing came back, and this side
 * could not reach anything else either.
 */
export interface CheckResult<Outcome extends string = string> {
  readonly outcome: "ok" | "unknown" | Outcome;
  readonly totalMs: number;
  /** One sentence for a person: what was seen, what was expected. Null when the check succeeded. */
  readonly detail: string | null;
  /** The status of the answer, where the protocol has one and an answer came. */
  readonly statusCode?: number | null;
  /** How long each phase took, where the protocol has them. */
  readonly phases?: Phases;
}

/** A result on its way to the database. */
export interface JobResult extends CheckResult {
  readonly monitorId: string;
  readonly revision: number;
  readonly seq: number;
  readonly dueAt: string;
  /** When the probe began, by this process' monotonic clock (`performance.now()`). The database makes its own time of it. */
  readonly beganAt: number;
}

/** A detail as it can be stored: Postgres takes no NUL, and a person no control characters. */
export function printable(detail: string): string {
  return detail
    .replace(/\p{Cc}/gu, " ")
    .toWellFormed()
    .slice(0, 500);
}
