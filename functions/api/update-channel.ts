import { Channel, ChannelPatch } from "../../domain/channels/schema.ts";
import { updateChannel } from "../../domain/channels/update-channel.ts";
import { wake } from "../../domain/messaging/wake.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "PATCH",
  path: "/v1/channels/{id}",
  auth: "key",
  summary: "Change a channel",
  description:
    "What is left out stays, in `config` too; `type` cannot change. Disabling a channel cancels its pending deliveries; a `config` has them sent now.",
  body: ChannelPatch,
  responses: { 200: Channel },
  errors: ["conflict", "wrong_state"],
} as const satisfies Route;

export default handle(route, async ({ params, body, env, ctx }) => {
  const channel = await updateChannel(env.sql, { id: params.id, patch: body });
  if (body.config !== undefined) await wake(env, ctx, () => env.stream.wake("sweep-deliveries"));
  return reply(200, channel);
});
