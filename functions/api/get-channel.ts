import { getChannel } from "../../domain/channels/get-channel.ts";
import { Channel } from "../../domain/channels/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/channels/{id}",
  auth: "key",
  summary: "Read a channel",
  responses: { 200: Channel },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => reply(200, await getChannel(env.sql, params.id)));
