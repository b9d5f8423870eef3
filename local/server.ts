import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { invalidRequest, respond } from "../runtime/api/problem.ts";
import { requestIdOf } from "../runtime/api/request-id.ts";
import type { Router } from "../runtime/api/router.ts";
import type { Ctx } from "../runtime/contract.ts";
import type { HostEnv } from "../runtime/host-env.ts";
import type { Background } from "../runtime/worker/background.ts";
import type { Part } from "../runtime/worker/drain.ts";
import { type ListenAddress, limits, listen } from "./listen.ts";

/** What a handler may count on; the drivers bound its waits. */
const CALL_MS = 30_000;

interface ApiOptions {
  readonly router: Router;
  readonly env: HostEnv;
  readonly background: Background;
}

/**
 * Serves the API. A client that goes away aborts its call's `ctx.signal`; a stop lets the calls that have begun end, and
 * breaks off, as if their clients had gone, those that have not after half of `drainSeconds`.
 * @throws StillupError `invalid_configuration` when it cannot listen there.
 */
export async function startServer(api: ApiOptions, place: ListenAddress): Promise<Part & { readonly url: string }> {
  const listener = getRequestListener(
    (request, { incoming }) => {
      const ctx = createCtx(request, givenId(incoming as IncomingMessage), api.background);
      // Routes answer their own errors with problems; this is for what is thrown outside of one.
      return api.router(request, api.env, ctx).catch((error: unknown) => answerError(error, { request, ctx, api }));
    },
    { errorHandler: (error) => answerError(isBadTarget(error) ? badTarget() : error, { ...noRequest(api), api }) },
  );
  const graceMs = api.env.config.drainSeconds * 500;
  const { url, active, close } = await listen(createServer(limits, listener), place);
  return {
    name: "the API",
    url,
    left: () => (active() === 0 ? null : `${active()} requests`),
    stop: () => close(graceMs),
  };
}

function createCtx(request: Request, requestId: string, { waitUntil }: Background): Ctx {
  return {
    requestId,
    deadline: Date.now() + CALL_MS,
    // Made when asked for, which for most calls is never.
    get signal() {
      return request.signal;
    },
    waitUntil,
  };
}

function givenId({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return requestIdOf(typeof given === "string" ? given : null);
}

function answerError(error: unknown, { request, ctx, api }: { request: Request; ctx: Ctx; api: ApiOptions }) {
  return respond({ request, env: api.env, ctx }, () => Promise.reject(error));
}

/** Stands in for what Node could read and no URL can be made of: a bad host header or target. */
function noRequest({ background }: ApiOptions) {
  const request = new Request("http://localhost/");
  return { request, ctx: createCtx(request, randomUUID(), background) };
}

function isBadTarget(error: unknown): boolean {
  return error instanceof Error && error.name === "RequestError";
}

function badTarget() {
  return invalidRequest([{ field: "request", message: "The request's target or host header is not valid" }]);
}
