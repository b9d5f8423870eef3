import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { DatabaseError } from "pg";
import { errorBody, NeonRefusal } from "./neon-error.ts";
import type { NeonFaultPlayer, PrescribedAnswer } from "./neon-faults.ts";
import { readSqlRequest, type SqlRequest } from "./neon-request.ts";
import type { Rows, Session, Sessions } from "./neon-sessions.ts";

/** Requests so far by kind, and statements by their command (`SELECT`, `INSERT`, ...). */
export interface NeonCounts {
  query: number;
  transaction: number;
  statements: Record<string, number>;
}

interface SqlRoute {
  readonly sessions: Sessions;
  readonly faults: NeonFaultPlayer;
  readonly counts: NeonCounts;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  /** Whether this server answers for `host`. */
  isEndpoint(host: string): boolean;
}

/** `POST /sql` as Neon's proxy answers it. */
export function createSqlListener(route: SqlRoute): RequestListener {
  return (request, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    void answer(route, request, gone.signal).then(
      (body) => {
        // A client that gave up gets no reply that could be lost: the fault is for the next one.
        if (body === null || gone.signal.aborted) return;
        if (route.faults.takeDroppedReply()) request.socket.destroy();
        else reply(response, 200, { body });
      },
      (error: unknown) => {
        if (error instanceof Prescribed) return reply(response, error.answer.status, error.answer);
        const { status, message, fields } = error instanceof NeonRefusal ? error : asRefusal(error);
        reply(response, status, { body: errorBody(message, fields) });
      },
    );
  };
}

/** Thrown when the faults prescribe the answer. */
class Prescribed extends Error {
  readonly answer: PrescribedAnswer;

  constructor(answer: PrescribedAnswer) {
    super("the faults prescribe this answer");
    this.answer = answer;
  }
}

function reply(
  response: ServerResponse,
  status: number,
  { body, headers = {} }: { readonly body: string; readonly headers?: Readonly<Record<string, string>> },
): void {
  const all = { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*", ...headers };
  response.writeHead(status, all).end(body);
}

/** The body of the answer. Null when the client has gone. */
async function answer(route: SqlRoute, request: IncomingMessage, gone: AbortSignal): Promise<string | null> {
  if (request.method !== "POST" || request.url !== "/sql") throw new NeonRefusal(404, "not found");
  const body = await readBody(request, route.maxRequestBytes);
  if (!(await route.faults.untilAwake(gone))) return null;
  const prescribed = route.faults.takeAnswer();
  if (prescribed !== null) throw new Prescribed(prescribed);

  const sql = readSqlRequest(request.headers, body);
  if (!route.isEndpoint(sql.host)) {
    const advice = "or you don't have access to it. Please check the provided ID and try again.";
    throw new NeonRefusal(400, `The requested endpoint could not be found, ${advice}`);
  }
  const session = await logIn(route.sessions, sql);
  const cancel = () => void session.cancel().catch(() => {});
  gone.addEventListener("abort", cancel);
  try {
    return await carryOut(route, session, sql);
  } finally {
    gone.removeEventListener("abort", cancel);
    // A late cancellation must not reach the session's next user.
    if (gone.aborted) void session.end();
    else session.giveBack().catch(() => session.end());
  }
}

async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= limit) chunks.push(chunk);
  }
  if (length > limit) throw new NeonRefusal(413, `request is too large (max is ${limit} bytes)`);
  return Buffer.concat(chunks).toString();
}

async function logIn(sessions: Sessions, { who }: SqlRequest): Promise<Session> {
  try {
    return await sessions.take(who);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw new NeonRefusal(500, `error connecting to server: ${error}`);
    if (!error.code?.startsWith("28")) throw new NeonRefusal(500, error.message, error);
    throw new NeonRefusal(400, `password authentication failed for user '${who.user}'`);
  }
}

async function carryOut(route: SqlRoute, session: Session, sql: SqlRequest): Promise<string> {
  const { counts, maxResponseBytes } = route;
  counts[sql.begin === null ? "query" : "transaction"] += 1;
  const parts: string[] = [];
  let length = 0;
  try {
    if (sql.begin !== null) await session.query({ query: sql.begin, params: [] });
    for (const statement of sql.statements) {
      const rows = await session.query(statement);
      const command = rows.command ?? "";
      counts.statements[command] = (counts.statements[command] ?? 0) + 1;
      parts.push(resultText(rows, sql.arrayMode));
      length += parts.at(-1)?.length ?? 0;
      if (length > maxResponseBytes)
        throw new NeonRefusal(507, `response is too large (max is ${maxResponseBytes} bytes)`);
    }
    if (sql.begin !== null) await session.query({ query: "commit", params: [] });
  } catch (error) {
    if (sql.begin !== null) await session.query({ query: "rollback", params: [] }).catch(() => {});
    throw error;
  }
  return sql.begin === null ? (parts[0] ?? "") : `{"results":[${parts.join(",")}]}`;
}

function resultText({ fields, rows, command, rowCount }: Rows, rowAsArray: boolean): string {
  const toObject = (row: (string | null)[]) => Object.fromEntries(row.map((value, at) => [fields[at]?.name, value]));
  return JSON.stringify({
    fields: fields.map((field) => ({
      name: field.name,
      dataTypeID: field.dataTypeID,
      tableID: field.tableID,
      columnID: field.columnID,
      dataTypeSize: field.dataTypeSize,
      dataTypeModifier: field.dataTypeModifier,
      format: "text",
    })),
    rows: rowAsArray ? rows : rows.map(toObject),
    command: command ?? "",
    rowCount,
    rowAsArray,
  });
}

/** Both are a 400: an error of Postgres with its fields, and an error of the connection to it without. */
function asRefusal(error: unknown): NeonRefusal {
  if (error instanceof DatabaseError) return new NeonRefusal(400, error.message, error);
  return new NeonRefusal(400, `error communicating with the server: ${error}`);
}
