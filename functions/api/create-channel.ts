import { createChannel } from "../../domain/channels/create-channel.ts";
import { ChannelInput, CreatedChannel } from "../../domain/channels/schema.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "POST",
  path: "/v1/channels",
  auth: "key",
  summary: "Add a channel",
  description: "A secret that is left out is made. Either way it is shown in this answer and never again.",
  body: ChannelInput,
  responses: { 201: CreatedChannel },
} as const satisfies Route;

export default handle(route, async ({ body, env }) => reply(201, await createChannel(env.sql, body)));
