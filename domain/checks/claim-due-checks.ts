import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { Job } from "./job.ts";

interface Claim {
  readonly jobs: readonly Job[];
  /** The monitors among them whose slot before this one has had no answer. */
  readonly redelivered: readonly string[];
  readonly nextInMs: number;
  /** Stillup is: whoever checks is to look whether it sees again. */
  readonly offline: boolean;
}

/**
 * Gives out the slots that are due within the next 5 s, at most 2,000, to whoever asks first: one statement, by the
 * database's time. A slot given out is a lease: `next_check_at` becomes its end, 20 s after the check must be over, and
 * the slot is given out again if no result was stored by then.
 *
 * Runs come 4.5 s apart, less than what a run looks ahead, so that a run that begins late makes no check late.
 * Nobody else's turn is taken: when it is not time yet, there are no jobs, and `nextInMs` says when it will be.
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
