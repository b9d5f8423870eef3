import * as z from "zod/mini";
import { probeFor } from "../kinds/find-probe.ts";
import type { Kind } from "../kinds/kind.ts";
import { parseMessage, parsePart } from "../messaging/message.ts";
import { defaultsOf, viewOf } from "../shared/field-map.ts";
import { Job, MAX_JOBS } from "./job.ts";

const Message = z.object({
  v: z.literal(1),
  jobs: z.array(Job).check(z.maxLength(MAX_JOBS)),
  /** See domain/watchdog. */
  canary: z.optional(z.string()),
});

/** The jobs that a message holds. Throws StillupError `invalid_message`, or `newer_message` for jobs of a newer release. */
export function parseChecks(body: string): { jobs: Job[]; canary?: string | undefined } {
  const message = parseMessage(body, Message);
  for (const [index, job] of message.jobs.entries()) {
    job.config = parseConfig(job, ["jobs", index, "config"]);
  }
  return message;
}

const readers = new Map<Kind, ReturnType<typeof readerOf>>();

function readerOf(kind: Kind) {
  return { schema: z.object(viewOf(kind.config, "shown")), defaults: Object.entries(defaultsOf(kind.config)) };
}

/**
 * A kind's fields as they were stored: what was added since then has its default, and what a newer release has added
 * stays, for a job that goes back into the stream.
 */
function parseConfig(job: Job, path: readonly PropertyKey[]): Job["config"] {
  const { kind } = probeFor(job);
  const reader = readers.get(kind) ?? readerOf(kind);
  readers.set(kind, reader);
  const { config } = job;
  for (const [name, fallback] of reader.defaults) if (config[name] === undefined) config[name] = fallback;
  parsePart(config, reader.schema, path);
  return config;
}
