import * as z from "zod/mini";
import { StillupError } from "../runtime/errors.ts";

/** A stream message's body as `schema` has it. Throws StillupError `invalid_message` that says what is wrong with it. */
export function parseMessage<Schema extends z.core.$ZodType>(body: string, schema: Schema): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new StillupError("invalid_message", "The message is not JSON.", { cause });
  }
  const message = z.safeParse(schema, value);
  if (!message.success) throw new StillupError("invalid_message", describe(message.error));
  return message.data;
}

function describe(error: z.core.$ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join(".") || "message"}: ${issue.code}`)
    .join("; ");
}
