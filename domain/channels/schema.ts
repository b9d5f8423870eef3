import * as z from "zod/mini";
import { change, flag, Id, line, refuse, Time, Url, withDefault } from "../shared/fields.ts";
import { page, pageOf } from "../shared/page.ts";

const EXAMPLE_SECRET = "whsec_z+sqn9Ty8z+eYxyrqhASDlNsqnKdXnytrcrprz7eWf8=";
const secret = 'must be "whsec_" and the base64 of 24 to 64 bytes; leave it out to have one made';

/** The key that a webhook is signed with, in Standard Webhooks' form. */
const Secret = z
  .string(secret)
  .check(z.maxLength(100, { error: secret, abort: true }), (payload) => {
    if (!isSecret(payload.value)) refuse(payload, secret);
  })
  .register(z.globalRegistry, { examples: [EXAMPLE_SECRET] });

function isSecret(text: string): boolean {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  const base64 = text.slice("whsec_".length);
  try {
    const bytes = atob(base64);
    return btoa(bytes) === base64 && bytes.length >= 24 && bytes.length <= 64;
  } catch {
    return false;
  }
}

const type = z.literal("webhook", 'must be "webhook"');
const name = line(200);
/** Whether it is told of what concerns Stillup itself. */
const SystemAlerts = withDefault(flag(), false);

export const ChannelInput = z
  .strictObject({
    name,
    type,
    default: withDefault(flag(), true),
    systemAlerts: SystemAlerts,
    config: z.strictObject({ url: Url, secret: z.optional(Secret) }),
  })
  .register(z.globalRegistry, {
    id: "ChannelInput",
    examples: [{ name: "On call", type: "webhook", config: { url: "https://hooks.example.com/stillup" } }],
  });
export type ChannelInput = z.output<typeof ChannelInput>;

/** What is to change of a channel. `config` is merged: what it does not name stays, the secret too. */
export const ChannelPatch = z
  .strictObject({
    name: z.optional(name),
    type: z.optional(type),
    default: change(flag()),
    systemAlerts: change(flag()),
    config: z.optional(z.strictObject({ url: z.optional(Url), secret: z.optional(Secret) })),
    disabled: z.optional(flag()),
  })
  .register(z.globalRegistry, { id: "ChannelPatch", examples: [{ disabled: true }] });
export type ChannelPatch = z.output<typeof ChannelPatch>;

const shown = {
  id: Id,
  name: z.string(),
  type,
  default: z.boolean(),
  systemAlerts: z.boolean(),
  disabled: z.boolean(),
  createdAt: Time,
  updatedAt: Time,
};
const example = {
  id: "ch_5b1c3f0a92de47188c6d",
  name: "On call",
  type: "webhook",
  default: true,
  systemAlerts: false,
  disabled: false,
  createdAt: "2026-01-05T07:59:58.123Z",
  updatedAt: "2026-01-05T07:59:58.123Z",
} as const;
const url = "https://hooks.example.com/stillup";

/** A channel as it is shown: without its secret. */
export const Channel = z
  .object({ ...shown, config: z.object({ url: z.string() }) })
  .register(z.globalRegistry, { id: "Channel", examples: [{ ...example, config: { url } }] });
export type Channel = z.output<typeof Channel>;

/** A channel as it is shown once, when it was made. */
export const CreatedChannel = z
  .object({ ...shown, config: z.object({ url: z.string(), secret: Secret }) })
  .register(z.globalRegistry, {
    id: "CreatedChannel",
    examples: [{ ...example, config: { url, secret: EXAMPLE_SECRET } }],
  });
export type CreatedChannel = z.output<typeof CreatedChannel>;

export const ChannelQuery = z.strictObject(page);
export type ChannelQuery = z.output<typeof ChannelQuery>;

export const ChannelPage = pageOf(Channel).register(z.globalRegistry, { id: "ChannelPage" });

/** How a test of a channel went. */
export const ChannelTest = z
  .object({
    delivered: z.boolean(),
    statusCode: z.nullable(z.int()),
    durationMs: z.number(),
    error: z.nullable(z.string()),
  })
  .register(z.globalRegistry, {
    id: "ChannelTest",
    examples: [{ delivered: true, statusCode: 204, durationMs: 83.2, error: null }],
  });
export type ChannelTest = z.output<typeof ChannelTest>;
