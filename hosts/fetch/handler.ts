import { pathOf } from "../../runtime/api/path.ts";
import { requestIdOf } from "../../runtime/api/request-id.ts";
import { createRouter } from "../../runtime/api/router.ts";
import type { Variables } from "../../runtime/config/config.ts";
import type { Artefact } from "../shared/artefact.ts";
import { answer, once, openBindings } from "../shared/call.ts";
import type { HostWork } from "../shared/work.ts";
import { WORK_PATH, workRoutes } from "./work-route.ts";

/** What a host of fetch handlers may give beside the request. */
interface FetchContext {
  waitUntil?(work: Promise<unknown>): void;
}

/** For an answer; such hosts rarely say how long they wait for one. */
const CALL_MS = 25_000;
/** For a tick, which keeps to WORK_SECONDS and DRAIN_SECONDS by itself. */
const TICK_MS = 30 * 60_000;

/**
 * A fetch handler for whatever takes one: Vercel, Netlify, Deno, Bun, Node. Such hosts have no ticks of their own but call
 * an address on a schedule: `WORK_PATH`, with the API key.
 */
export function fetchHandler(artefact: Artefact<HostWork>, variables: Variables) {
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
