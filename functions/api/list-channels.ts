import { listChannels } from "../../domain/channels/list-channels.ts";
import { ChannelPage, ChannelQuery } from "../../domain/channels/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "GET",
  path: "/v1/channels",
  auth: "key",
  summary: "List channels, newest first",
  query: ChannelQuery,
  responses: { 200: ChannelPage },
} as const satisfies Route;

export default handle(route, async ({ query, env }) => reply(200, await listChannels(env.sql, query)));
