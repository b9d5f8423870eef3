import { ChannelTest } from "../../domain/channels/schema.ts";
import { testChannel } from "../../domain/channels/test-channel.ts";
import { handle, type Route, reply } from "../../runtime/api/route.ts";
import type { Ports } from "../../runtime/contract.ts";

export const route = {
  method: "POST",
  path: "/v1/channels/{id}/test",
  auth: "key",
  summary: "Send a test to a channel now",
  description: "Sends `channel.test` once. The response says how that went, whatever the receiver did.",
  responses: { 200: ChannelTest },
  errors: ["wrong_state"],
} as const satisfies Route;

export const ports = { http: "shared" } as const satisfies Ports;

export default handle<typeof route, typeof ports>(route, async ({ params, env, ctx }) =>
  reply(200, await testChannel(env, { id: params.id, signal: ctx.signal })),
);
