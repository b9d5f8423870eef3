import * as z from "zod/mini";
import { answer, handle, type Route } from "../../runtime/api.ts";

export const route = {
  method: "GET",
  path: "/healthz",
  auth: "none",
  summary: "Alive",
  answers: { 200: z.object({ status: z.literal("ok") }) },
} as const satisfies Route;

export default handle(route, async () => answer(200, { status: "ok" }));
