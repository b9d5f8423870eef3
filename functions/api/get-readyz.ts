import * as z from "zod/mini";
import { answer, handle, type Route } from "../../runtime/api.ts";
import { StillupError } from "../../runtime/errors.ts";
import { findMissing } from "../../runtime/readiness.ts";

export const route = {
  method: "GET",
  path: "/readyz",
  auth: "none",
  summary: "Able to serve",
  answers: { 200: z.object({ status: z.literal("ready") }) },
  problems: ["not_ready"],
} as const satisfies Route;

export default handle(route, async ({ env }) => {
  const missing = await findMissing(env);
  if (missing.length > 0) throw new StillupError("not_ready", `Not ready: ${missing.join(", and ")}.`);
  return answer(200, { status: "ready" });
});
