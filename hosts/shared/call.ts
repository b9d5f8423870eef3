import { respond } from "../../runtime/api/problem.ts";
import type { Router } from "../../runtime/api/router.ts";
import type { Variables } from "../../runtime/config/config.ts";
import type { Ctx } from "../../runtime/contract.ts";
import { errorFields, StillupError } from "../../runtime/errors.ts";
import type { HostName } from "../../runtime/limits.ts";
import { createLog, type Log } from "../../runtime/log.ts";
import { withTimeout } from "../../runtime/with-timeout.ts";
import { type Background, createBackground } from "../../runtime/worker/background.ts";
import type { Artefact } from "./artefact.ts";
import { createBindings, type HostBindings } from "./bindings.ts";
import { readHostConfig } from "./config.ts";

/** One invocation by the host. */
export interface Invocation {
  readonly requestId: string;
  /** When the host ends it: milliseconds since 1970. */
  readonly deadline: number;
}

/** What is kept of the time that the host gives, to say so in time. */
const TO_SAY_SO_MS = 500;

/**
 * The API's answer, at the latest shortly before the deadline; and what goes on after it. Whatever fails, the
 * configuration included, is answered with a problem.
 */
export async function answer(
  request: Request,
  { router, open, call }: { router: Router; open: () => HostBindings; call: Invocation },
): Promise<{ response: Response; background: Background }> {
  const { requestId, deadline } = call;
  const late = new AbortController();
  let log: Log = createLog("api", "INFO");
  let background = createBackground(log);
  const run = async () => {
    const { env } = open();
    log = env.log;
    background = createBackground(log);
    const ctx: Ctx = { requestId, deadline, signal: late.signal, waitUntil: background.waitUntil };
    const answered = router(request, env, ctx);
    const response = await withTimeout(Math.max(0, deadline - TO_SAY_SO_MS - Date.now()), answered);
    if (response !== null) return response;
    late.abort();
    throw new StillupError("not_ready", "The response took longer than this host allows.");
  };
  const response = await run().catch((error: unknown) =>
    respond({ request, env: { log }, ctx: call }, () => Promise.reject(error)),
  );
  return { response, background };
}

/**
 * Makes the bindings of a configuration. One that cannot be used is logged: its variables are named, and none of their
 * values.
 */
export function openBindings(
  host: HostName,
  artefact: Pick<Artefact, "openHttp" | "sources" | "settings" | "metrics">,
  variables: Variables,
): HostBindings {
  try {
    const read = readHostConfig(host, variables, artefact.settings);
    return createBindings(read, { ...artefact, log: createLog(host, read.config.logLevel) });
  } catch (error) {
    const refused = error instanceof StillupError ? { variables: error.errors } : {};
    createLog(host, "INFO").error("The configuration cannot be used.", { ...errorFields(error), ...refused });
    throw error;
  }
}

/** What `make` made when it was first asked for. What it throws is not kept. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
