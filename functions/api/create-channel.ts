import { createChannel } from "../../domain/channels/create-channel.ts";
import { Channel, ChannelInput } from "../../domain/channels/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/channels",
  auth: "key",
  summary: "Add a channel",
  description: "The response shows the channel's secrets, given or made, and no later one does.",
  body: ChannelInput,
  responses: { 201: Channel },
} as const satisfies Route;

export default handle(route, async ({ body, env }) => reply(201, await createChannel(env.sql, body)));
