import * as z from "zod/mini";
import { refuse, Url } from "../../../shared/fields.ts";
import type { ChannelType } from "../../channel-type.ts";

const SECRET_BYTES = 32;
const EXAMPLE_URL = "https://hooks.example.com/stillup";
const EXAMPLE_SECRET = "whsec_z+sqn9Ty8z+eYxyrqhASDlNsqnKdXnytrcrprz7eWf8=";
const message = 'must be "whsec_" and the base64 of 24 to 64 bytes; leave it out to have one made';

/** The key that requests are signed with, in the form of Standard Webhooks. */
const Secret = z
  .string(message)
  .check(z.maxLength(100, { error: message, abort: true }), (payload) => {
    if (!isSecret(payload.value)) refuse(payload, message);
  })
  .register(z.globalRegistry, {
    description: "The key that requests are signed with. Left out, one is made.",
    examples: [EXAMPLE_SECRET],
  });

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

function makeSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}

/** A URL that gets signed JSON. */
export const webhook = {
  type: "webhook",
  label: "Webhook",
  icon: "webhook",
  description: "Sends a signed JSON request to a URL of yours.",
  config: z.strictObject({
    url: Url.check(z.meta({ description: "Where requests go.", examples: [EXAMPLE_URL] })),
    secret: z.pipe(
      z.optional(Secret),
      z.transform((secret) => secret ?? makeSecret()),
    ),
  }),
  secrets: ["secret"],
  example: { url: EXAMPLE_URL, secret: EXAMPLE_SECRET },
} as const satisfies ChannelType;
