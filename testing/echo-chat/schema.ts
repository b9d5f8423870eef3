import * as z from "zod/mini";
import { defineChannelType } from "../../domain/channels/channel-type.ts";
import { optional, required } from "../../domain/shared/field-map.ts";
import { flag, line } from "../../domain/shared/fields.ts";

/** A channel type for tests: a chat room that is a URL. */
export const echoChat = defineChannelType({
  type: "echo-chat",
  label: "Echo Chat",
  icon: "megaphone",
  description: "Says in a room what happened.",
  config: {
    room: required(line(100), { description: "The room's URL.", shown: z.string() }),
    token: optional(line(100), null, { description: "What the room asks for.", shown: z.nullable(z.string()) }),
    headers: optional(z.record(z.string(), z.string()), {}, { description: "Headers of the request." }),
    loud: optional(flag(), false, { description: "Whether it shouts." }),
  },
  example: { room: "https://chat.example.com/rooms/ops" },
  secrets: ["token", "headers.*"],
});
