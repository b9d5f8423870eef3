import * as z from "zod/mini";
import { change, flag, Id, line, Time, withDefault } from "../shared/fields.ts";
import { page, pageOf } from "../shared/page.ts";
import { maskedSchema, maskSecrets } from "../shared/secrets.ts";
import type { ChannelType } from "./channel-type.ts";
import { channelTypes } from "./find-type.ts";

const name = line(200).check(z.describe("What people call it."));
const isDefault = z.describe("Whether it is notified of every monitor that names no channels.");
const isForSystem = z.describe("Whether it is notified when Stillup itself goes offline or comes back.");
const isDisabled = z.describe("Whether it is notified of nothing. Disabling it cancels its pending deliveries.");

const given = {
  name,
  default: withDefault(flag(), true).check(isDefault),
  systemAlerts: withDefault(flag(), false).check(isForSystem),
};
const shown = {
  id: Id,
  name: z.string().check(z.describe("What people call it.")),
  default: z.boolean().check(isDefault),
  systemAlerts: z.boolean().check(isForSystem),
  disabled: z.boolean().check(isDisabled),
  createdAt: Time,
  updatedAt: Time,
};

/** A union by `type` with one member for each channel type, such as `WebhookChannelInput`. */
function byType<S extends z.ZodMiniObject>(
  suffix: "" | "Input",
  { member, example }: { member(channel: ChannelType): S; example(channel: ChannelType): object },
) {
  const members = channelTypes.map((channel) => {
    const id = `${pascalCase(channel.type)}Channel${suffix}`;
    const schema = member(channel);
    const metadata = { id, description: channel.description, examples: [example(channel)] };
    z.globalRegistry.add(schema as z.ZodMiniType, metadata); // widened: the registry's type wants to know S
    return schema;
  });
  const types = channelTypes.map(({ type }) => type).join(", ");
  const union = z.discriminatedUnion("type", members as [S, ...S[]], {
    error: ({ code }) => (code === "invalid_union" ? `must be one of ${types}` : undefined),
  });
  z.globalRegistry.add(union as z.ZodMiniType, { id: `Channel${suffix}` });
  return union;
}

function pascalCase(type: string): string {
  return type.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
}

export const ChannelInput = byType("Input", {
  member: ({ type, config }) => z.strictObject({ ...given, type: z.literal(type), config }),
  example: ({ type, example }) => ({ name: "On call", type, config: example }),
});
export type ChannelInput = z.output<typeof ChannelInput>;

/** What is to change of a channel. `config` is merged: what it does not name stays, secrets too. */
export const ChannelPatch = z
  .strictObject({
    name: z.optional(name),
    type: z.optional(z.string("must be text").check(z.describe("It cannot change."))),
    default: change(flag()).check(isDefault),
    systemAlerts: change(flag()).check(isForSystem),
    config: z.optional(
      z
        .record(z.string(), z.unknown())
        .check(z.describe("The settings to change. What it leaves out stays, and so does a secret given as ********.")),
    ),
    disabled: z.optional(flag()).check(isDisabled),
  })
  .register(z.globalRegistry, { id: "ChannelPatch", examples: [{ disabled: true }] });
export type ChannelPatch = z.output<typeof ChannelPatch>;

/** A channel as it is shown: its secrets are masked, except in the response to its creation. */
export const Channel = byType("", {
  member: ({ type, config, secrets }) =>
    z.object({ ...shown, type: z.literal(type), config: maskedSchema(config, secrets) }),
  example: ({ type, example, secrets }) => ({
    id: "ch_5b1c3f0a92de47188c6d",
    name: "On call",
    type,
    default: true,
    systemAlerts: false,
    disabled: false,
    createdAt: "2026-01-05T07:59:58.123Z",
    updatedAt: "2026-01-05T07:59:58.123Z",
    config: maskSecrets(example, secrets),
  }),
});
export type Channel = z.output<typeof Channel>;

export const ChannelQuery = z.strictObject(page);
export type ChannelQuery = z.output<typeof ChannelQuery>;

export const ChannelPage = pageOf(Channel).register(z.globalRegistry, { id: "ChannelPage" });

/** How a test of a channel went. */
export const ChannelTest = z
  .object({
    delivered: z.boolean().check(z.describe("Whether the receiver has it.")),
    statusCode: z.nullable(z.int()).check(z.describe("The HTTP status of the receiver's answer, if there was one.")),
    durationMs: z.number().check(z.describe("How long the attempt took.")),
    error: z.nullable(z.string()).check(z.describe("What went wrong, in one sentence; null when it was delivered.")),
  })
  .register(z.globalRegistry, {
    id: "ChannelTest",
    examples: [{ delivered: true, statusCode: 204, durationMs: 83.2, error: null }],
  });
export type ChannelTest = z.output<typeof ChannelTest>;
