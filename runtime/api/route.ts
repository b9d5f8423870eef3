import type * as z from "zod/mini";
import type { Ctx, FetchFunction, FunctionEnv, NoPorts, Ports } from "../contract.ts";
import type { ErrorCode } from "../errors.ts";
import { authorize } from "./authorize.ts";
import { matchPath, methodsFor, pathOf } from "./path.ts";
import { invalidRequest, methodNotAllowed, notFound, respond } from "./problem.ts";
import { readJson, readNoBody, readQuery } from "./request.ts";
import type { Schema } from "./validate.ts";

/** What a route file exports as `route`. The router, its 405s, OpenAPI and deployment templates come from it. */
export interface Route {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Segments in braces are parameters: ids. What does not look like one is a 404. */
  readonly path: `/${string}`;
  readonly auth: "key" | "none";
  readonly summary: string;
  readonly description?: string;
  /** For an object of texts. Without it the route takes no query. */
  readonly query?: Schema;
  /** Without it the route takes no body. */
  readonly body?: Schema;
  /** What it answers with, by status; null: nothing. */
  readonly responses: Readonly<Record<number, Schema | null>>;
  /** Errors of its own, beside those that all its kind have. */
  readonly errors?: readonly ErrorCode[];
  /** Media type of the answer; JSON when left out. */
  readonly contentType?: string;
}

type ParameterNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterNames<Rest>
  : never;

type Parsed<S> = S extends Schema ? z.output<S> : undefined;

/** One call of a route, checked. */
interface RouteCall<R extends Route, P extends Ports> {
  readonly params: Readonly<Record<ParameterNames<R["path"]>, string>>;
  readonly query: Parsed<R["query"]>;
  readonly body: Parsed<R["body"]>;
  readonly env: FunctionEnv<P>;
  readonly ctx: Ctx;
}

/** What a route may answer. */
type RouteReply<R extends Route> = {
  [Status in keyof R["responses"]]: {
    readonly status: Status;
    readonly body: R["responses"][Status] extends Schema ? z.output<R["responses"][Status]> : null;
  };
}[keyof R["responses"]];

/** A route's answer. A text is sent as it is, anything else as JSON, null as no body. */
export function reply<const Status extends number, Body>(status: Status, body: Body): { status: Status; body: Body } {
  return { status, body };
}

/**
 * A route's handler. `run` gets a call whose key, path, query and body have been checked. All that fails, and whatever
 * `run` throws, is answered with a problem (RFC 9457).
 */
export function handle<const R extends Route, P extends Ports = NoPorts>(
  route: R,
  run: (call: RouteCall<R, P>) => Promise<RouteReply<R>>,
): FetchFunction<unknown, P> {
  const template = route.path.split("/");
  return {
    fetch: (request, env, ctx) =>
      respond({ request, env, ctx }, async () => {
        if (route.auth === "key") authorize(request, env.config.apiKey);
        const params = matchPath(template, pathOf(request.url));
        if (params === null) throw notFound("No route has this path. GET /openapi.json lists all routes.");
        const methods = methodsFor(route.method);
        if (!methods.includes(request.method)) throw methodNotAllowed(methods);
        // The names come from the template and the values from the schemas that RouteCall<R> is made of.
        const call = { params, ...(await readInput(route, request)), env, ctx } as RouteCall<R, P>;
        const { status, body } = (await run(call)) as { status: number; body: unknown };
        return { status, body, contentType: route.contentType ?? "application/json" };
      }),
  };
}

/** Query and body. What is wrong with either is told at once. */
async function readInput(route: Route, request: Request): Promise<{ query: unknown; body: unknown }> {
  const query = readQuery(request.url, route.query);
  const body = await (route.body ? readJson(request, route.body) : readNoBody(request));
  if (query.ok && body.ok) return { query: query.value, body: body.value };
  throw invalidRequest([...(query.ok ? [] : query.errors), ...(body.ok ? [] : body.errors)]);
}
