import * as z from "zod/mini";
import { Id, line, Time } from "../shared/fields.ts";
import { filter, page, pageOf } from "../shared/page.ts";

/** A stream message that no try could handle. */
export const DeadLetter = z
  .object({
    id: Id,
    stream: z.string(),
    reason: z.string(),
    attempts: z.int(),
    body: z.string(),
    bodyBytes: z.int(),
    createdAt: Time,
  })
  .register(z.globalRegistry, {
    id: "DeadLetter",
    description: "A stream message that no try could handle. In lists `body` is its first 200 characters.",
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

const stream = filter(line(200));

export const DeadLetterQuery = z.strictObject({ ...page, stream });
export type DeadLetterQuery = z.output<typeof DeadLetterQuery>;

/** Which messages are to be retried. */
export const RetryDeadLettersQuery = z.strictObject({ cursor: page.cursor, stream });
export type RetryDeadLettersQuery = z.output<typeof RetryDeadLettersQuery>;
