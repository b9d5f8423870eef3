import * as z from "zod/mini";
import { entryWithoutBody } from "../../runtime/drivers/stream/stream.ts";
import { StillupError } from "../../runtime/errors.ts";

/**
 * The newest form of messages that this release reads, their `v`. A release writes a form that the one before it reads,
 * so that both may run side by side; what it adds within a form is optional, and those that do not know it ignore it.
 */
const NEWEST_FORM = 1;

/**
 * A stream message's body as `schema` has it. Throws StillupError `invalid_message` that says what is wrong with it, or
 * `newer_message` for one of a release to come, which is left to that one's workers.
 */
export function parseMessage<Schema extends z.core.$ZodType>(body: string, schema: Schema): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new StillupError("invalid_message", "The message is not JSON.", { cause });
  }
  if (typeof value === "object" && value !== null && entryWithoutBody in value) {
    throw new StillupError(
      "invalid_message",
      "The stream entry has no field named body; all its fields are kept here.",
    );
  }
  const form = (value as { v?: unknown } | null)?.v;
  if (Number.isInteger(form) && Number(form) > NEWEST_FORM) {
    throw new StillupError(
      "newer_message",
      `The message is of form ${form}; this release reads forms up to ${NEWEST_FORM}.`,
    );
  }
  return parsePart(value, schema);
}

/** A part of a message, at `path` in it, as `schema` has it. Throws StillupError `invalid_message`. */
export function parsePart<Schema extends z.core.$ZodType>(
  value: unknown,
  schema: Schema,
  path: readonly PropertyKey[] = [],
): z.output<Schema> {
  const part = z.safeParse(schema, value);
  if (!part.success) throw new StillupError("invalid_message", describe(part.error, path));
  return part.data;
}

function describe(error: z.core.$ZodError, path: readonly PropertyKey[]): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `${[...path, ...issue.path].join(".") || "message"}: ${issue.code}`)
    .join("; ");
}
