import type { Phases } from "../../runtime/drivers/http/http.ts";

/** `unknown`: nothing answered, and this side could not see anything else either. */
export type CheckOutcome = "ok" | "dns" | "connect" | "tls" | "timeout" | "status" | "body" | "blocked" | "unknown";

/** What a probe found. Probing never throws: what the target does is a value. */
export interface CheckResult {
  readonly outcome: CheckOutcome;
  readonly statusCode: number | null;
  readonly totalMs: number;
  readonly phases: Phases;
  /** One sentence for a person, at most 500 characters; null when all is right. */
  readonly detail: string | null;
}

/** A finding on its way to the database. */
export interface JobResult extends CheckResult {
  readonly monitorId: string;
  readonly revision: number;
  readonly seq: number;
  readonly dueAt: string;
  /** When the probe began, by this process' monotonic clock (`performance.now()`). The database makes its own time of it. */
  readonly beganAt: number;
}
