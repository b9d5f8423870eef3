import { authorize } from "../../runtime/api/authorize.ts";
import { pathOf } from "../../runtime/api/path.ts";
import { respond } from "../../runtime/api/problem.ts";
import { requestIdOf } from "../../runtime/api/request-id.ts";
import { createRouter, type RouterEntry } from "../../runtime/api/router.ts";
import type { Variables } from "../../runtime/config/config.ts";
import { type Artefact, workOf } from "../shared/artefact.ts";
import type { HostBindings } from "../shared/bindings.ts";
import { answer, once, openBindings } from "../shared/call.ts";

/** What a host of fetch handlers may give beside the request. */
interface FetchContext {
  waitUntil?(work: Promise<unknown>): void;
}

/** The address that such a host's schedule calls. */
const WORK_PATH = "/internal/work";

/** For an answer; such hosts rarely say how long they wait for one. */
const CALL_MS = 25_000;
/** For a tick, which keeps to WORK_SECONDS and DRAIN_SECONDS by itself. */
const TICK_MS = 30 * 60_000;

/**
 * A fetch handler for whatever takes one: Vercel, Netlify, Deno, Bun, Node. Such hosts have no ticks of their own. A
 * schedule of theirs calls `WORK_PATH` with the API key.
 */
export function fetchHandler(artefact: Artefact, variables: Variables) {
  const open = once(() => openBindings("fetch", artefact, variables));
  const router = createRouter([...artefact.routes, ...workRoutes(artefact, open)]);
  return {
    async fetch(request: Request, context?: FetchContext): Promise<Response> {
      const deadline = Date.now() + (pathOf(request.url) === WORK_PATH ? TICK_MS : CALL_MS);
      const call = { requestId: requestIdOf(request.headers.get("x-request-id")), deadline };
      const { response, background } = await answer(request, { router, open, call });
      if (context?.waitUntil === undefined) await background.idle();
      else context.waitUntil(background.idle());
      return response;
    },
  };
}

/** A tick as a request: some hosts' schedules send GET, others POST. None where there is nothing to run. */
function workRoutes(artefact: Artefact, open: () => HostBindings): RouterEntry[] {
  if (artefact.workers.length + artefact.schedules.length === 0) return [];
  const fetch: RouterEntry["fn"]["fetch"] = (request, env, ctx) =>
    respond({ request, env, ctx }, async () => {
      authorize(request, env.config.apiKey);
      const bindings = open();
      const startedAt = Date.now();
      const deadline = startedAt + (bindings.workSeconds + env.config.drainSeconds) * 1000;
      await workOf(artefact).runTick(artefact, bindings, deadline);
      return { status: 200, body: { workedMs: Date.now() - startedAt }, contentType: "application/json" };
    });
  return (["GET", "POST"] as const).map((method) => ({
    route: { method, path: WORK_PATH, auth: "key" },
    fn: { fetch },
  }));
}
