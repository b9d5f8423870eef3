import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { Id, line, Time } from "../shared/fields.ts";
import { filter, page, pageOf } from "../shared/page.ts";

/** A stream message that no attempt could handle. */
export const DeadLetter = z
  .object({
    id: described(Id, "The id of the dead letter."),
    stream: described(z.string(), "The stream that it was in."),
    reason: described(z.string(), "Why no worker could handle it."),
    attempts: described(z.int(), "How often a worker tried."),
    body: described(z.string(), "The message; in lists its first 200 characters."),
    bodyBytes: described(z.int(), "Size of the whole message in bytes."),
    createdAt: described(Time, "When it became a dead letter."),
  })
  .register(z.globalRegistry, {
    id: "DeadLetter",
    description: "A stream message that no attempt could handle.",
    examples: [
      {
        id: "msg_6b0d1c2e9f4a4d71a3c5",
        stream: "status.changed",
        reason: "The message is not JSON.",
        attempts: 1,
        body: '{"v":1,"ids":[',
        bodyBytes: 14,
        createdAt: "2026-01-05T09:30:42.371Z",
      },
    ],
  });
export type DeadLetter = z.output<typeof DeadLetter>;

export const DeadLetterPage = pageOf(DeadLetter).register(z.globalRegistry, { id: "DeadLetterPage" });

const stream = described(filter(line(200)), "Only messages of this stream.");

export const DeadLetterQuery = z.strictObject({ ...page, stream });
export type DeadLetterQuery = z.output<typeof DeadLetterQuery>;

/** Which messages are to be retried. */
export const RetryDeadLettersQuery = z.strictObject({ cursor: page.cursor, stream });
export type RetryDeadLettersQuery = z.output<typeof RetryDeadLettersQuery>;
