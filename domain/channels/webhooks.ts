import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { Id, Time } from "../shared/fields.ts";
import { events } from "./events.ts";

/** What channels of the type `webhook` send, for the OpenAPI document. */
export const webhooks = events.map(({ type, summary, data }) => ({
  name: type,
  summary,
  headers: {
    "webhook-id": "The id of the delivery, the same on every attempt.",
    "webhook-timestamp": "When this attempt was sent: seconds since 1970.",
    "webhook-signature":
      "`v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`, as Standard Webhooks defines.",
  },
  body: z.object({
    id: described(Id, "The id of the delivery, the same on every attempt: ignore an id that you have seen."),
    type: described(z.literal(type), "What happened."),
    timestamp: described(Time, "When it happened."),
    text: described(z.string(), "One line that says what happened."),
    data: described(data, "The details."),
  }),
}));
