import type { Sql } from "../../runtime/drivers/sql/sql.ts";
import type { Outgoing } from "../../runtime/drivers/stream/stream.ts";
import { checksDue } from "../checks/job.ts";

/** No monitor and no channel has such an id, so a release that does not know canaries ignores them. */
const PREFIX = "canary_";

/** Whether an id in a message is the id of a canary. */
export function isCanary(id: string): boolean {
  return id.startsWith(PREFIX);
}

interface Sent {
  /** Null: it is too early, or another process sends it. */
  readonly id: string | null;
  /** Whether the one before never arrived. */
  readonly lost: boolean;
  readonly nextInMs: number;
}

/** Creates a canary, once a minute over all processes. One that is still under way is then ignored. */
export async function sendCanary(sql: Sql): Promise<Sent> {
  const [sent] = await sql<Sent>`
    with claim as materialized (
      select claimed, next_in_ms from claim_schedule('send-canary', 60, never_sleeps => true)
    ),
    before as materialized (
      select number, arrived_at from canary where (select claimed from claim) for update
    ),
    made as (
      update canary c
      set number = c.number + 1, sent_at = app_now(), checked_at = null, handled_at = null, arrived_at = null
      from before
      returning c.number
    )
    select (select ${PREFIX} || number from made) as id,
      exists (select from before where number > 0 and arrived_at is null) as lost,
      (select next_in_ms from claim) as "nextInMs"`;
  return sent ?? { id: null, lost: false, nextInMs: 60_000 };
}

/** The canary as a message of checks.due, without jobs. */
export function canaryEntry(id: string): Outgoing {
  return { stream: checksDue.stream, body: JSON.stringify({ v: 1, jobs: [], canary: id }) };
}

/** Stores that these canaries came by; resolves with those to pass on: the newest alone. */
export async function passCanaries(sql: Sql, ids: readonly string[], step: "checked" | "handled"): Promise<string[]> {
  const canaries = ids.filter(isCanary);
  if (canaries.length === 0) return [];
  const rows = await sql<{ id: string }>`
    update canary
    set checked_at = case when ${step} = 'checked' then app_now() else checked_at end,
      handled_at = case when ${step} = 'handled' then app_now() else handled_at end
    where ${PREFIX} || number = any(${canaries}::text[])
    returning ${PREFIX} || number as id`;
  return rows.map(({ id }) => id);
}
