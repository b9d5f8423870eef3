import { getUptime } from "../../domain/uptime/get-uptime.ts";
import { Uptime, UptimeQuery } from "../../domain/uptime/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/monitors/{id}/uptime",
  auth: "key",
  summary: "A monitor's uptime",
  description: "By time: up / (up + down). Paused, pending and unknown time is left out; null if nothing else is left.",
  query: UptimeQuery,
  responses: { 200: Uptime },
} as const satisfies Route;

export default handle(route, async ({ params, query, env }) =>
  reply(200, await getUptime(env.sql, { id: params.id, window: query.window })),
);
