import type { DeadLetter } from "./schema.ts";

/** What is read of a row of `dead_letters`. */
export interface DeadLetterRow {
  readonly id: string;
  readonly stream: string;
  readonly reason: string;
  readonly attempts: number;
  readonly body: string;
  readonly bytes: number;
  readonly created_at: Date;
}

export function toDeadLetter(row: DeadLetterRow): DeadLetter {
  return {
    id: row.id,
    stream: row.stream,
    reason: row.reason,
    attempts: row.attempts,
    body: row.body,
    bodyBytes: row.bytes,
    createdAt: row.created_at.toISOString(),
  };
}
