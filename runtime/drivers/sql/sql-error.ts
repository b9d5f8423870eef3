import { StillupError } from "../../errors.ts";

/** What a server said about a statement. */
export interface ServerError extends Error {
  /** SQLSTATE. */
  readonly code: string;
}

/**
 * SQLSTATEs that mean that the database is away or busy, not that the statement is wrong: connection exceptions (08),
 * shut down, crashed, starting or idle for too long (57P), no disk, memory or connections left (53), a disk that fails
 * (58030), a time-out of the server's own, no writes at all (25006: a replica, or a full disk where the host answers one
 * so). Not 54: a statement beyond a limit is beyond it the next time, too.
 */
const AWAY = /^(08...|57P0[1235]|53...|58030|57014|25P0[34]|25006)$/;
/** Writes are refused, for as long as nobody makes room. */
const FULL = /^(53100|25006)$/;

/**
 * A server's refusal as a coded error: `database_unavailable` when it will pass, else `database_error`. What the server
 * said may quote values, so it stands in the cause, for the log, and not in the detail, which callers see.
 */
export function refused(error: ServerError, place: string, text: string): StillupError {
  const sqlState = error.code;
  if (AWAY.test(sqlState)) {
    const detail = `The database at ${place} cannot be used: ${error.message.replace(/\.$/, "")} (SQLSTATE ${sqlState}).`;
    return new StillupError("database_unavailable", detail, { cause: error, sqlState });
  }
  const cause = new Error(`${error.message} (${sqlState}) in: ${shortened(text)}`, { cause: error });
  return new StillupError("database_error", `The database refused a statement (SQLSTATE ${sqlState}).`, {
    cause,
    sqlState,
  });
}

/** True for a refusal of a database that takes no writes: its disk is full, or it is read-only. */
export function takesNoWrites(error: unknown): boolean {
  return error instanceof StillupError && FULL.test(error.sqlState ?? "");
}

/** `place` is host:port/database or a folder; `reason` is shown to callers. */
export function unavailable(
  place: string,
  reason: string,
  options: { readonly cause?: unknown; readonly sqlState?: string } = {},
): StillupError {
  return new StillupError("database_unavailable", `The database at ${place} cannot be reached: ${reason}.`, options);
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
