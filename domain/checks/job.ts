import * as z from "zod/mini";
import type { Outgoing } from "../../runtime/drivers/stream/stream.ts";
import { parseMessage } from "../messaging/message.ts";

/** What is right for an answer: its status, and a text that its body holds. */
const Expect = z.object({ status: z.array(z.string()), bodyContains: z.optional(z.string()) });
export type Expect = z.infer<typeof Expect>;

const Job = z.object({
  monitorId: z.string(),
  /** What is checked: goes up with every edit. A result of another revision is dropped. */
  revision: z.int(),
  /** The slot: goes up with every one given out. Only a later one than the last answered counts. */
  seq: z.int(),
  /** ISO 8601, by the database's clock. */
  dueAt: z.string(),
  /** How long after the claim the check is due: milliseconds. Kept beside `dueAt` because clocks differ. */
  waitMs: z.number(),
  url: z.string(),
  method: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.nullable(z.string()),
  timeoutMs: z.number(),
  expect: Expect,
  /** The answer that would change nothing: true for right, false for wrong, null when any may. */
  quietIf: z.nullable(z.boolean()),
  intervalSeconds: z.int(),
});

/** One check to be made. It holds all that is needed: no statement is made before its result is known. */
export type Job = z.infer<typeof Job>;

const MAX_JOBS = 100;
const MAX_CHARACTERS = 256 * 1024;

const Message = z.object({
  v: z.literal(1),
  jobs: z.array(Job).check(z.maxLength(MAX_JOBS)),
  /** See domain/heartbeat. */
  canary: z.optional(z.string()),
});

/** The stream and group that checks to be made go through. */
export const checksDue = { stream: "checks.due", group: "monitoring" } as const;

/** The jobs as stream entries: up to 100 an entry, fewer where they are long. */
export function jobEntries(jobs: readonly Job[]): Outgoing[] {
  const entries: string[][] = [];
  let characters = 0;
  for (const job of jobs) {
    const text = JSON.stringify(job);
    const entry = entries.at(-1);
    if (entry === undefined || entry.length === MAX_JOBS || characters + text.length > MAX_CHARACTERS) {
      entries.push([text]);
      characters = text.length;
    } else {
      entry.push(text);
      characters += text.length;
    }
  }
  return entries.map((texts) => ({ stream: checksDue.stream, body: `{"v":1,"jobs":[${texts.join(",")}]}` }));
}

/** What an entry holds. Throws StillupError `invalid_message`. */
export function parseChecks(body: string): { jobs: Job[]; canary?: string | undefined } {
  return parseMessage(body, Message);
}
