import type { Env } from "../contract.ts";
import type { Sql } from "../drivers/sql/sql.ts";
import { takesNoWrites } from "../drivers/sql/sql-error.ts";
import { StillupError } from "../errors.ts";
import { withTimeout } from "../with-timeout.ts";

type ReadinessEnv = Pick<Env, "sql" | "stream" | "memo" | "reached">;

const PATIENCE_MS = 2000;
const MAX_AGE_MS = 5000;

/**
 * What cannot be used of the services that Stillup cannot do without, in words; asked at most every 5 s. Where every
 * question costs, a service that the last call found there is not asked: it may sleep, and its commands are billed.
 */
export async function findMissing({ sql, stream, memo, reached }: ReadinessEnv): Promise<string[]> {
  if (reached?.sql && reached.stream && !reached.writeRefused) return [];
  return memo("missing", MAX_AGE_MS, async () => {
    const [database, events] = await Promise.all([
      reached?.writeRefused ? "takes no writes" : reached?.sql ? null : problemOf(tryWriting(sql)),
      reached?.stream ? null : problemOf(stream.ready()),
    ]);
    return [...(database ? [`the database ${database}`] : []), ...(events ? [`the stream service ${events}`] : [])];
  });
}

/**
 * Fails unless the database has room on its disk, where others' writes go, too: so many rows do not fit into the memory
 * allowed, so they are written to a file for the moment. A write to a table finds room in its pages for long.
 */
async function tryWriting(sql: Sql): Promise<void> {
  const [, [row]] = (await sql.transaction([
    sql`select set_config('work_mem', '64kB', true)`,
    sql`select current_setting('transaction_read_only') = 'off' as writable, count(*)::int from generate_series(1, 4000)`,
  ])) as [unknown[], { writable: boolean }[]];
  if (row?.writable === false)
    throw new StillupError("database_unavailable", "It is read-only.", { sqlState: "25006" });
}

/** What is wrong, in words; empty when nothing is. */
async function problemOf(probe: Promise<void>): Promise<string> {
  const problem = probe.then(
    () => "",
    (error: unknown) => (isFull(error) ? "takes no writes" : "cannot be reached"),
  );
  return (await withTimeout(PATIENCE_MS, problem)) ?? "does not answer";
}

function isFull(error: unknown): boolean {
  return takesNoWrites(error) || (error instanceof StillupError && error.code === "stream_full");
}
