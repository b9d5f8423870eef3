import * as z from "zod/mini";
import { optional, required, type ValuesOf } from "../shared/field-map.ts";
import { Id, line, refuse, wholeNumber } from "../shared/fields.ts";

/** A list without duplicates. */
function distinct<S extends z.ZodMiniType<string>>(
  item: S,
  max: number,
  { field, what }: { field: string; what: string },
) {
  const message = `must be a list of at most ${max} ${what}`;
  return z.array(item, message).check(z.maxLength(max, { error: message, abort: true }), (payload) => {
    for (const [index, text] of payload.value.entries()) {
      const first = payload.value.indexOf(text);
      if (first < index) refuse(payload, `duplicates ${field}[${first}]`, [index]);
    }
  });
}

/**
 * What all monitors have, whatever they monitor. The schemas, what is read of a row and what is written to it are made
 * from this map; a new field needs a line here, and its column in a migration: `intervalSeconds` is `interval_seconds`.
 */
export const commonFields = {
  name: required(line(200), { description: "A name for people.", shown: z.string() }),
  intervalSeconds: optional(wholeNumber(5, 86_400), 60, {
    description: "Seconds from one check to the next.",
    shown: z.int(),
  }),
  timeoutMs: optional(wholeNumber(100, 60_000), null, {
    description: "Milliseconds that a check may take. When it is null: 80 % of the interval, at most 10,000.",
    shown: z.int(),
  }),
  failureThreshold: optional(wholeNumber(1, 10), 3, {
    description: "How many failed checks in a row make the monitor down.",
    shown: z.int(),
  }),
  recoveryThreshold: optional(wholeNumber(1, 10), 2, {
    description: "How many successful checks in a row make a monitor that is down up again.",
    shown: z.int(),
  }),
  channelIds: optional(distinct(Id, 50, { field: "channelIds", what: "ids of channels" }), null, {
    description: "The channels that are notified. When it is null: every default channel.",
    shown: z.nullable(z.array(z.string())),
  }),
  tags: optional(distinct(line(50), 20, { field: "tags", what: "tags" }), [], {
    description: "Labels, to list monitors by.",
    shown: z.array(z.string()),
  }),
};

/** The values of the fields that all monitors have. */
export type CommonValues = ValuesOf<typeof commonFields, "input">;
