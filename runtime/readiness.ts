import type { Env } from "./contract.ts";
import { within } from "./within.ts";

const PATIENCE_MS = 2000;
const MAX_AGE_MS = 5000;

/** What is away of the services that Stillup cannot do without, in words; asked at most every 5 s. */
export function findMissing({ sql, stream, memo }: Pick<Env, "sql" | "stream" | "memo">): Promise<string[]> {
  return memo("missing", MAX_AGE_MS, async () => {
    const [database, events] = await Promise.all([answers((async () => sql`select 1`)()), answers(stream.ping())]);
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
