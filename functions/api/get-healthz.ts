import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

const Limits = z.object({
  host: described(z.enum(["lambda", "cloudflare", "fetch"]), "The function host."),
  minIntervalSeconds: described(z.int(), "Monitors with a shorter interval are refused."),
  alertWithinSeconds: described(z.int(), "The longest time from the deciding response to the alert."),
  capabilities: described(z.readonly(z.array(z.enum(["sockets", "icmp"]))), "What checks can use here beside HTTP."),
  limitations: described(z.array(z.string()), "What does not work here, one sentence each."),
});

export const route = {
  method: "GET",
  path: "/healthz",
  auth: "none",
  summary: "Whether the API is alive",
  description: "On a function host it also shows the limits of that host.",
  responses: {
    200: z.object({
      status: described(z.literal("ok"), "The API is alive."),
      limits: described(z.exactOptional(Limits), "The limits of a function host; left out where there are none."),
    }),
  },
} as const satisfies Route;

export default handle(route, async ({ env: { config } }) => {
  const { limits } = config;
  return reply(200, { status: "ok" as const, ...(limits === undefined ? {} : { limits }) });
});
