import { StillupError } from "../errors.ts";

/** What a server said about a statement. */
export interface ServerError extends Error {
  /** SQLSTATE. */
  readonly code: string;
}

/**
 * SQLSTATEs that mean that the database is away or busy, not that the statement is wrong: connection exceptions (08),
 * shut down, crashed or starting (57P01 to 57P03), too many connections, a time-out of the server's own.
 */
const AWAY = /^(08...|57P0[1-3]|53300|57014|25P0[34])$/;

/**
 * A server's refusal as a coded error: `database_unavailable` when it will pass, else `database_error`. What the server
 * said may quote values, so it stands in the cause, for the log, and not in the detail, which callers see.
 */
export function refused(error: ServerError, place: string, text: string): StillupError {
  const sqlState = error.code;
  if (AWAY.test(sqlState)) return unavailable(place, error.message, { cause: error, sqlState });
  const cause = new Error(`${error.message} (${sqlState}) in: ${shortened(text)}`, { cause: error });
  return new StillupError("database_error", `The database refused a statement (SQLSTATE ${sqlState}).`, {
    cause,
    sqlState,
  });
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
