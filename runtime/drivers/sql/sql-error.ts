import { StillupError } from "../../errors.ts";

/** A server's error about a statement. */
export interface ServerError extends Error {
  /** SQLSTATE. */
  readonly code: string;
}

/**
 * SQLSTATEs of a database that is away or busy: connection exceptions (08), shut down, crashed, starting or idle for
 * too long (57P), no disk, memory or connections left (53), a disk that fails (58030), the server's own time-outs, and
 * no writes at all (25006: a replica, or with some hosts a full disk). Not 54: a statement beyond a limit stays so.
 */
const AWAY = /^(08...|57P0[1235]|53...|58030|57014|25P0[34]|25006)$/;
/** Writes are refused, until somebody makes room. */
const FULL = /^(53100|25006)$/;

/**
 * The coded error for a server's refusal: `database_unavailable` when it will pass, else `database_error`. The server's
 * words may quote values, so they are in the cause, for the log, and not in the detail, which callers see.
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

/** True for the error of a database that refuses writes: its disk is full, or it is read-only. */
export function takesNoWrites(error: unknown): boolean {
  return error instanceof StillupError && FULL.test(error.sqlState ?? "");
}

/** `place` is host:port/database or a folder. Callers see `reason`. */
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
