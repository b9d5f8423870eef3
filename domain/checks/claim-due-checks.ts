import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { Job } from "./job.ts";

interface Claim {
  readonly jobs: readonly Job[];
  /** The monitors among them whose last slot has no result. */
  readonly redelivered: readonly string[];
  readonly nextInMs: number;
  /** Whether Stillup is offline: then the process asks the connectivity targets again. */
  readonly offline: boolean;
}

/**
 * Gives out the slots that are due within the next 5 s, at most 2,000, to the process that asks first. A slot is given
 * out with a lease: `next_check_at` becomes the end of the lease, 20 s after the check must be over. Without a result
 * by then the slot is given out again.
 *
 * Runs are 4.5 s apart, less than they look ahead, so that a late run makes no check late. Between runs there are no
 * jobs, and `nextInMs` says when the next run is.
 */
export async function claimDueChecks(sql: Sql): Promise<Claim> {
  const [claim] = await sql<Claim>`
    with claim as materialized (
      select claimed, next_in_ms from claim_schedule('enqueue-checks', 4.5)
    ),
    due as materialized (
      select id, seq > last_seq as is_redelivered, next_check_at as due_at
      from monitors
      where next_check_at <= app_now() + interval '5 s' and status <> 'paused' and deleted_at is null
        and (select claimed from claim)
      order by next_check_at
      limit 2000
      for update skip locked
    ),
    given_out as (
      update monitors m
      set seq = m.seq + 1,
        waiting_since = coalesce(m.waiting_since, due.due_at),
        next_check_at = greatest(due.due_at, app_now()) + make_interval(secs => m.check_timeout_ms / 1000.0 + 20)
      from due
      where m.id = due.id
      returning jsonb_build_object(
        'monitorId', m.id, 'revision', m.revision, 'seq', m.seq, 'dueAt', due.due_at,
        'waitMs', greatest(0, round(extract(epoch from due.due_at - app_now()) * 1000)),
        'type', m.type, 'form', m.form, 'config', m.config,
        'timeoutMs', m.check_timeout_ms, 'intervalSeconds', m.interval_seconds,
        'quietIf', case
          when m.status = 'up' and m.streak_ok then true
          when m.status = 'down' and not m.streak_ok then false
        end
      ) as job
    )
    select coalesce((select jsonb_agg(job) from given_out), '[]') as jobs,
      coalesce((select jsonb_agg(id) from due where is_redelivered), '[]') as redelivered,
      case when (select count(*) from due) = 2000 then 0 else (select next_in_ms from claim) end as "nextInMs",
      (select offline_since is not null from connectivity) as offline`;
  return claim ?? { jobs: [], redelivered: [], nextInMs: 4500, offline: false };
}
