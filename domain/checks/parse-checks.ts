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
  const jobs = message.jobs.map((job, index) => ({ ...job, config: parseConfig(job, index) }));
  return { ...message, jobs };
}

const schemas = new Map<Kind, ReturnType<typeof configSchema>>();

/** A kind's fields as they are stored. What a newer release has added within the form stays, for a job that goes back. */
function configSchema(kind: Kind) {
  return { schema: z.looseObject(viewOf(kind.config, "shown")), defaults: defaultsOf(kind.config) };
}

function parseConfig(job: Job, index: number): Job["config"] {
  const { kind } = probeFor(job);
  const known = schemas.get(kind) ?? configSchema(kind);
  schemas.set(kind, known);
  return parsePart({ ...known.defaults, ...job.config }, known.schema, ["jobs", index, "config"]);
}
