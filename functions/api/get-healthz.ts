import * as z from "zod/mini";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

const Limits = z.object({
  host: z.enum(["lambda", "cloudflare", "fetch"]),
  minIntervalSeconds: z.int(),
  alertWithinSeconds: z.int(),
  capabilities: z.readonly(z.array(z.enum(["sockets", "icmp"]))),
  limitations: z.array(z.string()),
});

export const route = {
  method: "GET",
  path: "/healthz",
  auth: "none",
  summary: "Alive",
  description: "On a function host also what that cannot do, or not quickly.",
  responses: { 200: z.object({ status: z.literal("ok"), limits: z.exactOptional(Limits) }) },
} as const satisfies Route;

export default handle(route, async ({ env: { config } }) => {
  const { limits } = config;
  return reply(200, { status: "ok" as const, ...(limits === undefined ? {} : { limits }) });
});
