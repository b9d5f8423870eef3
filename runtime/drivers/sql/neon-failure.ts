import { NeonDbError } from "@neondatabase/serverless";
import { StillupError } from "../../errors.ts";
import { refused, unavailable } from "./sql-error.ts";

/** A trip to Neon that failed. */
export interface NeonFailure {
  readonly error: StillupError;
  /** True when the statements were certainly not carried out, and another try may soon succeed. */
  readonly mayRepeat: boolean;
}

interface NeonFailureContext {
  /** host/database, for messages. */
  readonly place: string;
  /** The statements, for the log. */
  readonly text: string;
  /** Removes the password from a text: the connection string is sent in a header, and a proxy may echo headers. */
  hide(text: string): string;
}

/** An answer of Neon without rows. */
interface NeonAnswer {
  readonly status: number;
  readonly sqlState: string;
  /** Empty when the body was not Neon's JSON, such as the page of a proxy. */
  readonly message: string;
}

/** The server starts, or has no connection to spare. Both are reported before a login has succeeded. */
const NOT_LET_IN = /^(57P03|53300)$/;
/** Neon's proxy had no connection to the database, so nothing was carried out. */
const NO_CONNECTION =
  /^(Control plane request failed$|Too many connections|Failed to acquire permit|error connecting to server|Couldn't connect to compute|Your project already has running operations)/;

/** What to do about answers that do not pass by themselves, by their words: there is no SQLSTATE. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/quota|limit of concurrently active/i, "a limit of its plan is reached; raise it in Neon's console or wait it out"],
  [
    /password authentication failed|role .* does not exist/i,
    "it refuses the user name or the password; copy the connection string from Neon's console again",
  ],
  [/(endpoint|project|branch).*(could not|cannot) be found/i, "Neon knows no such endpoint; check the host name"],
  [/endpoint is disabled/i, "the endpoint is disabled; enable it in Neon's console"],
  [/database .* does not exist/i, "it does not exist; check the database's name, the last part of the URL's path"],
  [/not allowed to connect|blocked network/i, "it takes no connections from here; see IP Allow in Neon's console"],
];

/** The coded error for what `neon()` threw. It contains only a cleaned message and a code of the original. */
export function neonFailureOf(error: unknown, about: NeonFailureContext): NeonFailure {
  if (error instanceof NeonDbError && error.sourceError !== undefined) return networkFailure(error.sourceError, about);
  const answer = error instanceof NeonDbError ? answerOf(error) : null;
  if (answer === null) return unreadable(error, about);
  if (answer.status === 400 && answer.sqlState !== "" && !/^(28|3D)/.test(answer.sqlState)) {
    return { error: refused(causeOf(answer, about), about.place, about.text), mayRepeat: mayRepeat(answer) };
  }
  return { error: refusedTrip(answer, about), mayRepeat: mayRepeat(answer) };
}

/** The driver parses the body of a 400 itself. For other statuses the error's message contains the body as text. */
function answerOf(error: NeonDbError): NeonAnswer {
  const [, status, body] = /^Server error \(HTTP status (\d+)\): (.*)$/s.exec(error.message) ?? [];
  if (error.code || status === undefined) return { status: 400, sqlState: error.code ?? "", message: error.message };
  return { status: Number(status), ...parseBody(body ?? "") };
}

function parseBody(body: string): Omit<NeonAnswer, "status"> {
  try {
    const { message, code } = JSON.parse(body) as { message?: unknown; code?: unknown };
    return { message: typeof message === "string" ? message : "", sqlState: typeof code === "string" ? code : "" };
  } catch {
    return { message: "", sqlState: "" };
  }
}

function mayRepeat({ status, sqlState, message }: NeonAnswer): boolean {
  if (isOverQuota(status, message)) return false;
  return status === 429 || NOT_LET_IN.test(sqlState) || (sqlState === "" && NO_CONNECTION.test(message));
}

/** An answer about the request, not about a statement. */
function refusedTrip(answer: NeonAnswer, about: NeonFailureContext): StillupError {
  const { status, sqlState, message } = answer;
  const details = { cause: causeOf(answer, about), ...(sqlState === "" ? {} : { sqlState }) };
  // These do not pass by themselves, so they are no `database_unavailable`.
  if (status === 413) return tooLarge("the statement is larger than Neon takes", details);
  if (status === 507) return tooLarge("its rows are larger than Neon answers with", details);
  const [, remedy] = REMEDIES.find(([words]) => words.test(isOverQuota(status, message) ? "quota" : message)) ?? [];
  return unavailable(about.place, remedy ?? `Neon answered ${said(answer, about)}`, details);
}

/** Neon reports it with 402, or with another status and these words. */
function isOverQuota(status: number, message: string): boolean {
  return status === 402 || REMEDIES[0]?.[0].test(message) === true;
}

function tooLarge(what: string, details: { readonly cause: Error }): StillupError {
  return new StillupError("database_error", `The database refused a statement: ${what}.`, details);
}

function networkFailure(source: unknown, about: NeonFailureContext): NeonFailure {
  const failures = attempts(source);
  const [first] = failures;
  const code = first?.code ?? "";
  const cause = Object.assign(new Error(about.hide(first?.message ?? String(source))), { code });
  return {
    error: unavailable(about.place, reasonOf(code), { cause }),
    mayRepeat: failures.length > 0 && failures.every(isBeforeSending),
  };
}

/** The errors behind fetch's own: one, or one for each address that was tried. */
function attempts(error: unknown): NodeJS.ErrnoException[] {
  if (error instanceof AggregateError) return error.errors.flatMap(attempts);
  if (!(error instanceof Error)) return [];
  return "code" in error || error.cause === undefined ? [error] : attempts(error.cause);
}

/** The same codes come from an open connection, whose request may be under way. There `syscall` differs. */
function isBeforeSending({ code, syscall }: NodeJS.ErrnoException): boolean {
  if (code === "UND_ERR_CONNECT_TIMEOUT") return true;
  return syscall === "getaddrinfo" || (syscall === "connect" && code !== "EACCES");
}

function reasonOf(code: string): string {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `its name was not found (${code}); check the host name`;
  if (code === "CERT_HAS_EXPIRED") return "its certificate has expired; check this machine's clock";
  if (/CERT|SIGNATURE|ERR_TLS/.test(code)) {
    return `its certificate cannot be verified (${code}); name the CA's file in NODE_EXTRA_CA_CERTS`;
  }
  return code === "" ? "the connection broke" : `the connection broke (${code})`;
}

/** For a body that ends early or is not JSON, also that of a 400. */
function unreadable(error: unknown, about: NeonFailureContext): NeonFailure {
  const cause = new Error(about.hide(String(error)));
  return { error: unavailable(about.place, "its answer broke off or is not Neon's", { cause }), mayRepeat: false };
}

function causeOf(answer: NeonAnswer, about: NeonFailureContext): Error & { code: string } {
  const text = answer.status === 400 ? about.hide(answer.message) : said(answer, about);
  return Object.assign(new Error(text), { code: answer.sqlState });
}

function said({ status, message }: NeonAnswer, about: NeonFailureContext): string {
  return message === "" ? `HTTP ${status}` : `HTTP ${status}: ${about.hide(message).replace(/\.$/, "").slice(0, 200)}`;
}
