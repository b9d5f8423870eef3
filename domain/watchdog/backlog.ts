import type { Env } from "../../runtime/contract.ts";
import type { Sql } from "../../runtime/drivers/sql/sql.ts";

const MAX_AGE_MS = 5000;
/** The maximum age that is shown where the database must not be asked. */
const STALE_MS = 60_000;

const NONE = { pending: 0, up: 0, down: 0, paused: 0, unknown: 0 };

/** How many monitors there are, and how late Stillup is. */
interface Backlog {
  /** Whether a process that checks reaches none of its connectivity targets. */
  readonly offline: boolean;
  readonly monitors: Readonly<Record<keyof typeof NONE, number>>;
  /** Age of the oldest due check without a result. Some seconds are normal: checks take time, and share statements. */
  readonly oldestDueCheckSeconds: number;
  /** Age of the oldest pending delivery. */
  readonly oldestUndeliveredSeconds: number;
}

/** Asks the database, at most every 5 s per process. */
export function backlog({ sql, memo }: Pick<Env, "sql" | "memo">): Promise<Backlog> {
  return memo("backlog", MAX_AGE_MS, async () => {
    const measured = await measure(sql);
    const last = await lastOf(memo);
    last.backlog = measured;
    last.atMs = performance.now();
    return measured;
  });
}

/** The last backlog that this process read, when that was within the last minute. Does not ask the database. */
export async function knownBacklog({ memo }: Pick<Env, "memo">): Promise<Backlog | null> {
  const { backlog: last, atMs } = await lastOf(memo);
  return performance.now() - atMs <= STALE_MS ? last : null;
}

function lastOf(memo: Env["memo"]): Promise<{ backlog: Backlog | null; atMs: number }> {
  return memo("last backlog", Number.POSITIVE_INFINITY, async () => ({ backlog: null, atMs: 0 }));
}

async function measure(sql: Sql): Promise<Backlog> {
  const [row] = await sql<Backlog>`
    with counted as (
      select status, count(*)::int4 as count,
        min(coalesce(waiting_since, next_check_at)) filter (where status <> 'paused') as due_at
      from monitors where deleted_at is null group by status
    )
    select (select offline_since is not null from connectivity) as offline,
      coalesce(jsonb_object_agg(status, count), '{}') as monitors,
      greatest(0, extract(epoch from app_now() - min(due_at)))::float8 as "oldestDueCheckSeconds",
      -- Not a min() of created_at: that reads the index of all deliveries from its oldest entry.
      coalesce((
        select max(extract(epoch from app_now() - created_at)) from deliveries where status = 'pending'
      ), 0)::float8 as "oldestUndeliveredSeconds"
    from counted`;
  if (row === undefined) throw new Error("An aggregate returned no row.");
  return { ...row, monitors: { ...NONE, ...row.monitors } };
}
