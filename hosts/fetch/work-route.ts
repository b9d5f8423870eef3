import { authorize } from "../../runtime/api/authorize.ts";
import { respond } from "../../runtime/api/problem.ts";
import type { RouterEntry } from "../../runtime/api/router.ts";
import { type Artefact, workOf } from "../shared/artefact.ts";
import type { HostBindings } from "../shared/bindings.ts";
import type { HostWork } from "../shared/work.ts";

export const WORK_PATH = "/internal/work";

/** A tick as a request: some hosts' schedules send GET, others POST. None where there is nothing to run. */
export function workRoutes(artefact: Artefact<HostWork>, open: () => HostBindings): RouterEntry[] {
  if (artefact.workers.length + artefact.schedules.length === 0) return [];
  return (["GET", "POST"] as const).map((method) => ({
    route: { method, path: WORK_PATH, auth: "key" },
    fn: {
      fetch: (request, env, ctx) =>
        respond({ request, env, ctx }, async () => {
          authorize(request, env.config.apiKey);
          const bindings = open();
          const startedAt = Date.now();
          await workOf(artefact).runTick(
            artefact,
            bindings,
            startedAt + (bindings.workSeconds + env.config.drainSeconds) * 1000,
          );
          return { status: 200, body: { workedMs: Date.now() - startedAt }, contentType: "application/json" };
        }),
    },
  }));
}
