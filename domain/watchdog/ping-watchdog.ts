import type { Env } from "../../runtime/contract.ts";
import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { DomainConfig } from "../config.ts";
import { watchdogPingsTotal } from "../metrics.ts";

/** A canary that took longer shows that alerts take longer, too. */
const FRESH_SECONDS = 30;
const TIMEOUT_MS = 10_000;

interface Arrival {
  /** Since it was sent, by the database's clock. */
  readonly seconds: number;
  /** Whether every worker before passed it on. */
  readonly whole: boolean;
  /** Whether a check has no result a minute after it should have ended. */
  readonly overdue: boolean;
}

/**
 * Calls WATCHDOG_URL for a canary that passed through all workers in time, while no check is overdue. Otherwise it does
 * not, so that the service that waits for the call raises the alarm; the log and a metric say why.
 */
export async function pingWatchdog(env: Env<DomainConfig>, id: string, signal: AbortSignal): Promise<void> {
  const url = env.config.watchdogUrl;
  const arrival = await recordArrival(env.sql, id);
  if (url === null || arrival === null) return; // switched off meanwhile, or not the newest
  const outcome = silence(arrival) ?? (await call(env, url, signal));
  env.metrics.count(watchdogPingsTotal, { outcome: outcome.outcome });
  if (outcome.detail !== null) {
    env.log.warn("The watchdog was not called.", { reason: outcome.detail, seconds: arrival.seconds });
  }
}

interface PingOutcome {
  readonly outcome: "called" | "late" | "overdue" | "failed";
  /** Null when it was called. */
  readonly detail: string | null;
}

function silence({ seconds, whole, overdue }: Arrival): PingOutcome | null {
  if (seconds > FRESH_SECONDS || !whole)
    return { outcome: "late", detail: "The canary took too long to pass through the workers." };
  return overdue
    ? { outcome: "overdue", detail: "A check that is due has had no result for more than a minute." }
    : null;
}

async function call({ http }: Env, url: string, signal: AbortSignal): Promise<PingOutcome> {
  const answer = await http.call({
    method: "GET",
    url,
    timeoutMs: TIMEOUT_MS,
    maxRedirects: 5,
    maxBodyBytes: 0,
    signal,
  });
  if (!answer.ok) return { outcome: "failed", detail: answer.detail };
  const isGood = answer.statusCode >= 200 && answer.statusCode < 300;
  return isGood
    ? { outcome: "called", detail: null }
    : { outcome: "failed", detail: `WATCHDOG_URL responded with ${answer.statusCode}.` };
}

/** Null for a canary that is not the newest. */
async function recordArrival(sql: Sql, id: string): Promise<Arrival | null> {
  const [arrival] = await sql<Arrival>`
    with arrived as (
      update canary set arrived_at = app_now() where 'canary_' || number = ${id}
      returning sent_at, checked_at, handled_at
    )
    select extract(epoch from app_now() - sent_at)::float8 as seconds,
      checked_at is not null and handled_at is not null as whole,
      exists (
        select from monitors
        where status <> 'paused' and deleted_at is null
          and coalesce(waiting_since, next_check_at) < app_now() - interval '60 s'
            - make_interval(secs => check_timeout_ms / 1000.0)
      ) as overdue
    from arrived`;
  return arrival ?? null;
}
