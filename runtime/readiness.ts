import type { Env } from "./contract.ts";
import { within } from "./within.ts";

type ReadinessEnv = Pick<Env, "sql" | "stream" | "memo" | "found">;

const PATIENCE_MS = 2000;
const MAX_AGE_MS = 5000;

/**
 * What is away of the services that Stillup cannot do without, in words; asked at most every 5 s. Where every question
 * costs, a service that the last call found there is not asked: it may sleep, and its commands are billed.
 */
export async function findMissing({ sql, stream, memo, found }: ReadinessEnv): Promise<string[]> {
  if (found?.sql && found.stream) return [];
  return memo("missing", MAX_AGE_MS, async () => {
    const [database, events] = await Promise.all([
      found?.sql || answers((async () => sql`select 1`)()),
      found?.stream || answers(stream.ping()),
    ]);
    return [...(database ? [] : ["the database"]), ...(events ? [] : ["the stream service"])];
  });
}

function answers(probe: Promise<unknown>): Promise<boolean> {
  const answered = probe.then(
    () => true,
    () => false,
  );
  return within(PATIENCE_MS, answered).then((isThere) => isThere ?? false);
}
