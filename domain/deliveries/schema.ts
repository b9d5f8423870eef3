import * as z from "zod/mini";
import { described } from "../../runtime/api/described.ts";
import { deliveredEvents } from "../channels/events.ts";
import { Id, oneOf, Time } from "../shared/fields.ts";
import { filter, page, pageOf } from "../shared/page.ts";

const DeliveryStatus = oneOf("pending", "delivered", "exhausted", "cancelled");

/** A delivery as it is shown: one event to one channel. */
export const Delivery = z
  .object({
    id: described(Id, "The id of the delivery; the receiver gets it with every attempt."),
    eventId: described(Id, "The event, which has one delivery for each channel."),
    channelId: described(Id, "The channel that is notified."),
    monitorId: described(z.nullable(Id), "The monitor that the event is about; null for an event of Stillup itself."),
    type: described(oneOf(...deliveredEvents.map(({ type }) => type)), "What happened."),
    status: described(
      DeliveryStatus,
      "`pending` until an attempt succeeds, attempts have ended without success, or it is cancelled.",
    ),
    attempts: described(z.int(), "How many attempts were begun."),
    nextAttemptAt: described(z.nullable(Time), "When the next attempt is due; null when none follows."),
    lastError: described(z.nullable(z.string()), "Why the last attempt failed, in one sentence."),
    createdAt: described(Time, "When the delivery was planned."),
    finishedAt: described(z.nullable(Time), "When it was delivered, exhausted or cancelled; null while it is pending."),
  })
  .register(z.globalRegistry, {
    id: "Delivery",
    examples: [
      {
        id: "dlv_0f3b62c79d1e4a58b6c0_3_5b1c3f0a92de47188c6d",
        eventId: "evt_0f3b62c79d1e4a58b6c0_3",
        channelId: "ch_5b1c3f0a92de47188c6d",
        monitorId: "mon_0f3b62c79d1e4a58b6c0",
        type: "monitor.down",
        status: "pending",
        attempts: 1,
        nextAttemptAt: "2026-01-05T09:30:47.812Z",
        lastError: "The receiver answered 500.",
        createdAt: "2026-01-05T09:30:42.371Z",
        finishedAt: null,
      },
    ],
  });
export type Delivery = z.output<typeof Delivery>;

const [first, ...others] = deliveredEvents;

/** The same with the `data` of its event. */
export const DeliveryDetail = z
  .discriminatedUnion("type", [withData(first), ...others.map(withData)])
  .register(z.globalRegistry, { id: "DeliveryDetail" });
export type DeliveryDetail = z.output<typeof DeliveryDetail>;

function withData({ type, data }: (typeof deliveredEvents)[number]) {
  return z.extend(Delivery, {
    type: described(z.literal(type), "What happened."),
    data: described(data, "The details that the receiver gets."),
  });
}

export const DeliveryQuery = z.strictObject({
  ...page,
  status: described(filter(DeliveryStatus), "Only deliveries with this status."),
  channelId: described(filter(Id), "Only deliveries to this channel."),
  monitorId: described(filter(Id), "Only deliveries about this monitor."),
});
export type DeliveryQuery = z.output<typeof DeliveryQuery>;

/** Which deliveries are to be retried. */
export const RetryDeliveriesQuery = z.strictObject({
  cursor: page.cursor,
  channelId: described(filter(Id), "Only deliveries to this channel."),
  monitorId: described(filter(Id), "Only deliveries about this monitor."),
});
export type RetryDeliveriesQuery = z.output<typeof RetryDeliveriesQuery>;

export const DeliveryPage = pageOf(Delivery).register(z.globalRegistry, { id: "DeliveryPage" });
