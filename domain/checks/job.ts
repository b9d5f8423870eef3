import * as z from "zod/mini";
import type { Outgoing } from "../../runtime/drivers/stream/stream.ts";

export const Job = z.object({
  monitorId: z.string(),
  /** What is checked: goes up with every edit. A result of another revision is dropped. */
  revision: z.int(),
  /** The slot: goes up with every one given out. Only a later one than the last answered counts. */
  seq: z.int(),
  /** ISO 8601, by the database's clock. */
  dueAt: z.string(),
  /** How long after the claim the check is due: milliseconds. Kept beside `dueAt` because clocks differ. */
  waitMs: z.number(),
  timeoutMs: z.number(),
  intervalSeconds: z.int(),
  /** The answer that would change nothing: true for a success, false for a failure, null when any may. */
  quietIf: z.nullable(z.boolean()),
  /** The monitor's kind, and the version of its fields in `config`. */
  type: z.string(),
  form: z.int(),
  /** The kind's own fields. The kind checks them: a record would look at each of them a second time. */
  config: z.custom<Record<string, unknown>>((value) => typeof value === "object" && value !== null),
});

/** One check to be made. It holds all that is needed: no statement is made before its result is known. */
export type Job = z.infer<typeof Job>;

export const MAX_JOBS = 100;
const MAX_CHARACTERS = 256 * 1024;

/** The stream and group that checks to be made go through. */
export const checksDue = { stream: "checks.due", group: "monitoring" } as const;

interface OpenEntry {
  readonly jobs: string[];
  characters: number;
}

/**
 * The jobs as stream entries: up to 100 an entry, fewer where they are long. An entry holds jobs of one type and form,
 * so that a worker which does not know these leaves no others.
 */
export function jobEntries(jobs: readonly Job[]): Outgoing[] {
  const entries: OpenEntry[] = [];
  const open = new Map<string, OpenEntry>();
  for (const job of jobs) {
    const text = JSON.stringify(job);
    const key = `${job.form} ${job.type}`;
    let entry = open.get(key);
    if (entry === undefined || entry.jobs.length === MAX_JOBS || entry.characters + text.length > MAX_CHARACTERS) {
      entry = { jobs: [], characters: 0 };
      entries.push(entry);
      open.set(key, entry);
    }
    entry.jobs.push(text);
    entry.characters += text.length;
  }
  return entries.map(({ jobs }) => ({ stream: checksDue.stream, body: `{"v":1,"jobs":[${jobs.join(",")}]}` }));
}
