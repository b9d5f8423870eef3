import type { SetApart } from "./schema.ts";

/** What is read of a row of `set_apart`. */
export interface SetApartRow {
  readonly id: string;
  readonly stream: string;
  readonly reason: string;
  readonly attempts: number;
  readonly body: string;
  readonly bytes: number;
  readonly created_at: Date;
}

export function toSetApart(row: SetApartRow): SetApart {
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
