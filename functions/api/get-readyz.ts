import * as z from "zod/mini";
import { backlog, knownBacklog } from "../../domain/watchdog/backlog.ts";
import { described } from "../../runtime/api/described.ts";
import { findMissing } from "../../runtime/api/readiness.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";
import type { Env } from "../../runtime/contract.ts";
import { StillupError } from "../../runtime/errors.ts";
import { withTimeout } from "../../runtime/with-timeout.ts";

const PATIENCE_MS = 2000;
const Seconds = z.nullable(z.number());

export const route = {
  method: "GET",
  path: "/readyz",
  auth: "none",
  summary: "Whether the API can serve requests",
  responses: {
    200: z.object({
      status: described(z.literal("ready"), "The database and the stream service can be used."),
      oldestDueCheckSeconds: described(
        Seconds,
        "Age of the oldest check that is due and has no result; null when unknown.",
      ),
      oldestUndeliveredSeconds: described(Seconds, "Age of the oldest pending delivery; null when unknown."),
    }),
  },
  errors: ["not_ready"],
} as const satisfies Route;

export default handle(route, async ({ env }) => {
  const missing = await findMissing(env);
  if (missing.length > 0) throw new StillupError("not_ready", `Not ready: ${missing.join(", and ")}.`);
  const { oldestDueCheckSeconds = null, oldestUndeliveredSeconds = null } = (await ages(env)) ?? {};
  return reply(200, { status: "ready", oldestDueCheckSeconds, oldestUndeliveredSeconds });
});

/** Where every question costs, only what was asked anyway is told: the database may sleep. */
async function ages(env: Pick<Env, "sql" | "memo" | "reached">) {
  if (env.reached?.sql) return knownBacklog(env);
  return withTimeout(
    PATIENCE_MS,
    backlog(env).catch(() => null),
  );
}
