import { deleteChannel } from "../../domain/channels/delete-channel.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";

export const route = {
  method: "DELETE",
  path: "/v1/channels/{id}",
  auth: "key",
  summary: "Remove a channel",
  description: "Its pending deliveries are cancelled.",
  responses: { 204: null },
} as const satisfies Route;

export default handle(route, async ({ params, env }) => {
  await deleteChannel(env.sql, params.id);
  return reply(204, null);
});
