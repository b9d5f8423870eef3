import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { nameByType, unionByType } from "../shared/by-type.ts";
import { defaultsOf, optional, required, viewOf } from "../shared/field-map.ts";
import { flag, Id, line, Time } from "../shared/fields.ts";
import { page, pageOf } from "../shared/page.ts";
import { MASK, maskSecrets } from "../shared/secrets.ts";
import type { ChannelType } from "./channel-type.ts";
import { channelTypes } from "./find-type.ts";

/** What all channels have, whatever their type. */
const commonFields = {
  name: required(line(200), { description: "A name for people.", shown: z.string() }),
  default: optional(flag(), true, { description: "Whether it is notified of monitors that name no channels." }),
  systemAlerts: optional(flag(), false, { description: "Whether it is notified when Stillup itself is offline." }),
};
const disabled = "Whether it is notified of nothing. Disabling it cancels its pending deliveries.";

function typeOf({ type }: ChannelType) {
  return described(z.literal(type, `must be "${type}"`), "What kind of channel it is; never changes.");
}

const inputExample = { name: "On call" };

function inputOf(channelType: ChannelType) {
  const { name, ...common } = viewOf(commonFields, "input");
  const schema = z.strictObject({ name, type: typeOf(channelType), config: configOf(channelType), ...common });
  const { type, example } = channelType;
  return nameByType(schema, channelType, {
    suffix: "ChannelInput",
    example: { ...inputExample, type, config: example },
  });
}

/** The schema of a whole config, new or changed. */
export function configOf({ config }: ChannelType) {
  return described(z.strictObject(viewOf(config, "input")), "The settings of its type.");
}

/** A channel as it is to be. */
export const ChannelInput = unionByType(channelTypes, inputOf).register(z.globalRegistry, { id: "ChannelInput" });
export type ChannelInput = z.output<typeof ChannelInput>;

const patchFields = { ...viewOf(commonFields, "patch"), disabled: described(z.optional(flag()), disabled) };
const patchExample = { disabled: true };

function patchOf(channelType: ChannelType) {
  const type = z.optional(typeOf(channelType));
  const config = described(
    z.optional(z.strictObject(viewOf(channelType.config, "patch"))),
    `The settings to change. What is left out stays, and so does a secret given as \`${MASK}\`.`,
  );
  const schema = z.strictObject({ ...patchFields, type, config });
  return nameByType(schema, channelType, { suffix: "ChannelPatch", example: patchExample });
}

/** What is to change of a channel. What its `config` may be depends on its type, so `updateChannel` checks it. */
export const ChannelPatch = z
  .strictObject({
    ...patchFields,
    type: z.optional(z.string("must be text")),
    config: z.optional(z.record(z.string(), z.unknown())),
  })
  .register(z.globalRegistry, {
    documentedAs: () => unionByType(channelTypes, patchOf).register(z.globalRegistry, { id: "ChannelPatch" }),
  });
export type ChannelPatch = z.output<typeof ChannelPatch>;

function shownOf(channelType: ChannelType) {
  const { name, ...common } = viewOf(commonFields, "shown");
  const { type, config, example, secrets } = channelType;
  const schema = z.object({
    id: described(Id, "The id of the channel."),
    name,
    type: typeOf(channelType),
    config: shownConfigOf(channelType),
    ...common,
    disabled: described(z.boolean(), disabled),
    createdAt: described(Time, "When the channel was added."),
    updatedAt: described(Time, "When the channel was changed last."),
  });
  return nameByType(schema, channelType, {
    suffix: "Channel",
    example: {
      id: "ch_5b1c3f0a92de47188c6d",
      type,
      config: maskSecrets({ ...defaultsOf(config), ...example }, secrets),
      ...defaultsOf(commonFields),
      ...inputExample,
      disabled: false,
      createdAt: "2026-01-05T07:59:58.123Z",
      updatedAt: "2026-01-05T07:59:58.123Z",
    },
  });
}

function shownConfigOf({ config, secrets }: ChannelType) {
  const names = secrets.map((path) => `\`${path}\``).join(", ");
  const masks =
    secrets.length === 0 ? "" : ` Secret, and shown as \`${MASK}\` except when the channel is added: ${names}.`;
  return described(z.object(viewOf(config, "shown")), `The settings of its type.${masks}`);
}

/** A channel as it is shown. */
export const Channel = unionByType(channelTypes, shownOf).register(z.globalRegistry, { id: "Channel" });
export type Channel = z.output<typeof Channel>;

export const ChannelQuery = z.strictObject(page);
export type ChannelQuery = z.output<typeof ChannelQuery>;

export const ChannelPage = pageOf(Channel).register(z.globalRegistry, { id: "ChannelPage" });

/** How a test of a channel went. */
export const ChannelTest = z
  .object({
    delivered: described(z.boolean(), "Whether the receiver has it."),
    statusCode: described(z.nullable(z.int()), "The status code of the receiver's response; null without one."),
    durationMs: described(z.number(), "How long the attempt took."),
    error: described(z.nullable(z.string()), "What went wrong, in one sentence; null if it was delivered."),
  })
  .register(z.globalRegistry, {
    id: "ChannelTest",
    examples: [{ delivered: true, statusCode: 204, durationMs: 83.2, error: null }],
  });
export type ChannelTest = z.output<typeof ChannelTest>;
