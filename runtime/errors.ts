import type { LogFields } from "./log.ts";

/**
 * Every error that Stillup raises on purpose, once: the HTTP status it is answered with, its title, and whether the
 * same call may succeed later without anybody changing anything (`transient`).
 */
export const errorCodes = {
  invalid_request: { status: 400, title: "The request is not valid", transient: false },
  unauthorized: { status: 401, title: "The API key is missing or wrong", transient: false },
  not_found: { status: 404, title: "Not found", transient: false },
  method_not_allowed: { status: 405, title: "The route does not take this method", transient: false },
  monitor_paused: { status: 409, title: "The monitor is paused", transient: false },
  wrong_state: { status: 409, title: "The state of the resource does not allow this", transient: false },
  conflict: { status: 409, title: "The resource was changed at the same time", transient: true },
  body_too_large: { status: 413, title: "The request body is too large", transient: false },
  internal: { status: 500, title: "Internal error", transient: false },
  database_error: { status: 500, title: "The database refused a statement", transient: false },
  database_unavailable: { status: 503, title: "The database cannot be reached", transient: true },
  not_ready: { status: 503, title: "Stillup is not ready to serve", transient: true },
  stream_unavailable: { status: 503, title: "The stream service cannot be reached", transient: true },
  stream_full: { status: 503, title: "The stream service accepts no messages", transient: true },
  invalid_configuration: { status: 500, title: "The configuration is not valid", transient: false },
  newer_message: { status: 503, title: "The stream message comes from a newer release", transient: true },
  invalid_message: { status: 500, title: "A stream message cannot be read", transient: false },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** One bad field of a request: where it is (`expect.status`, `query.limit`) and what to change. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

interface StillupErrorOptions {
  readonly errors?: readonly FieldError[];
  readonly cause?: unknown;
  /** SQLSTATE of the database error behind this one. */
  readonly sqlState?: string;
  /** Extra response headers, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A coded error. `detail` is shown to the caller: it names what to change and holds no secret. */
export class StillupError extends Error {
  override readonly name = "StillupError";
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[] | undefined;
  readonly sqlState: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(code: ErrorCode, detail: string, options: StillupErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errors = options.errors;
    this.sqlState = options.sqlState;
    this.headers = options.headers;
  }

  /** By name: every bundle holds a copy of this class, and must know what a driver throws, which has another. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "StillupError";
  }

  get status(): number {
    return errorCodes[this.code].status;
  }

  /** True when the same call may succeed later by itself: a service is away. */
  get transient(): boolean {
    return errorCodes[this.code].transient;
  }
}

/** True for a coded error that will pass by itself: the service it speaks of is away. */
export function isTransient(error: unknown): boolean {
  return error instanceof StillupError && error.transient;
}

/** An error as log fields: its name, message, code, and the stack of its deepest cause. Never shown to a caller. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = (error as { code?: unknown }).code;
  return {
    error: error.message,
    errorName: error.name,
    ...(code === undefined ? {} : { errorCode: code }),
    ...(error.cause instanceof Error ? { cause: error.cause.message } : {}),
    stack: error.stack,
  };
}
