import { Channel, ChannelPatch } from "../../domain/channels/schema.ts";
import { updateChannel } from "../../domain/channels/update-channel.ts";
import { answer, handle, type Route } from "../../runtime/api.ts";

export const route = {
  method: "PATCH",
  path: "/v1/channels/{id}",
  auth: "key",
  summary: "Change a channel",
  description:
    "What is left out stays, in `config` too. When it is disabled, alerts that are still to be sent to it are cancelled.",
  body: ChannelPatch,
  answers: { 200: Channel },
} as const satisfies Route;

export default handle(route, async ({ params, body, env }) =>
  answer(200, await updateChannel(env.sql, { id: params.id, patch: body })),
);
