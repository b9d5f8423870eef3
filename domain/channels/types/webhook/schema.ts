import * as z from "zod/mini";
import { required } from "../../../shared/field-map.ts";
import { refuse, Url } from "../../../shared/fields.ts";
import { defineChannelType } from "../../channel-type.ts";

const SECRET_BYTES = 32;
const message = 'must be "whsec_" and the base64 of 24 to 64 bytes; leave it out to have one made';

/** In the form of Standard Webhooks. */
const Secret = z.string(message).check(z.maxLength(100, { error: message, abort: true }), (payload) => {
  if (!isSecret(payload.value)) refuse(payload, message);
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
export const webhook = defineChannelType({
  type: "webhook",
  label: "Webhook",
  icon: "webhook",
  description: "Sends a signed JSON request to a URL of yours.",
  config: {
    url: required(Url, {
      description: "Where requests go: http or https, without a user name or password.",
      shown: z.string(),
    }),
    secret: required(
      z.pipe(
        z.optional(Secret),
        z.transform((secret) => secret ?? makeSecret()),
      ),
      {
        description: "The key that requests are signed with. If it is left out, Stillup makes one.",
        shown: z.string(),
      },
    ),
  },
  example: {
    url: "https://hooks.example.com/stillup",
    secret: "whsec_z+sqn9Ty8z+eYxyrqhASDlNsqnKdXnytrcrprz7eWf8=",
  },
  secrets: ["secret"],
});
