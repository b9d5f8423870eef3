import type { Ctx, Env } from "../contract.ts";
import { errorCodes, errorFields, type FieldError, StillupError } from "../errors.ts";

/** What a handler wants sent: a text as it is, anything else as JSON, null as no body. */
interface HandlerReply {
  readonly status: number;
  readonly body: unknown;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const NAMED_IN_DETAIL = 3;

/** Sends what `make` replies or, if it throws, the problem. Every answer carries the request id; HEAD gets no body. */
export async function respond(
  { request, env, ctx }: { request: Request; env: Pick<Env, "log">; ctx: Pick<Ctx, "requestId"> },
  make: () => Promise<HandlerReply>,
): Promise<Response> {
  const { status, text, contentType, headers } = await make()
    .then(rendered)
    .catch((error: unknown) => rendered(problem(error, env, ctx)));
  return new Response(request.method === "HEAD" ? null : text, {
    status,
    headers: {
      ...(text === null ? {} : { "content-type": contentType }),
      "cache-control": "no-store",
      "x-request-id": ctx.requestId,
      ...headers,
    },
  });
}

function rendered({ body, ...reply }: HandlerReply) {
  return { ...reply, text: body === null || typeof body === "string" ? body : JSON.stringify(body) };
}

/** Every bad field at once. */
export function invalidRequest(errors: readonly FieldError[]): StillupError {
  const named = errors.slice(0, NAMED_IN_DETAIL).map((error) => error.message);
  const more = errors.length - named.length;
  const detail = `${named.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`;
  return new StillupError("invalid_request", detail, { errors });
}

export function notFound(detail: string): StillupError {
  return new StillupError("not_found", detail);
}

export function methodNotAllowed(allowed: readonly string[]): StillupError {
  const allow = allowed.join(", ");
  return new StillupError("method_not_allowed", `This path accepts only ${allow}.`, { headers: { allow } });
}

/** The problem of an error. One that nobody raised on purpose, or that speaks of the inside, is logged and not shown. */
function problem(error: unknown, env: Pick<Env, "log">, ctx: Pick<Ctx, "requestId">): HandlerReply {
  const known = error instanceof StillupError && error.status !== 500 ? error : hidden(error);
  const { status, title } = errorCodes[known.code];
  if (status === 500) env.log.error("A request failed.", { requestId: ctx.requestId, ...errorFields(error) });
  if (status === 503) env.log.warn("A request could not be served.", { requestId: ctx.requestId, code: known.code });
  return {
    status,
    contentType: "application/problem+json",
    headers: known.headers ?? {},
    body: {
      type: `urn:stillup:problem:${known.code}`,
      title,
      status,
      code: known.code,
      detail: known.message,
      requestId: ctx.requestId,
      ...(known.errors === undefined ? {} : { errors: known.errors }),
    },
  };
}

function hidden(error: unknown): StillupError {
  const code = error instanceof StillupError ? error.code : "internal";
  return new StillupError(code, "The cause is inside Stillup, not in the request. Search the log for this request id.");
}
