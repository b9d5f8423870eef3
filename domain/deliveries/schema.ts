import * as z from "zod/mini";
import { deliveredEvents } from "../channels/events.ts";
import { GivenId, Id, oneOf, Time } from "../shared/fields.ts";
import { filter, page, pageOf } from "../shared/page.ts";

const DeliveryStatus = oneOf("pending", "delivered", "exhausted", "cancelled");

/** A delivery as it is shown: one event to one channel. */
export const Delivery = z
  .object({
    id: Id,
    eventId: Id,
    channelId: Id,
    monitorId: z.nullable(Id),
    type: oneOf(...deliveredEvents.map(({ type }) => type)),
    status: DeliveryStatus,
    attempts: z.int(),
    nextAttemptAt: z.nullable(Time),
    lastError: z.nullable(z.string()),
    createdAt: Time,
    finishedAt: z.nullable(Time),
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
  return z.extend(Delivery, { type: z.literal(type), data });
}

export const DeliveryQuery = z.strictObject({
  ...page,
  status: filter(DeliveryStatus),
  channelId: filter(GivenId),
  monitorId: filter(GivenId),
});
export type DeliveryQuery = z.output<typeof DeliveryQuery>;

/** Which deliveries are to be retried. */
export const RetryDeliveriesQuery = z.strictObject({
  cursor: page.cursor,
  channelId: filter(GivenId),
  monitorId: filter(GivenId),
});
export type RetryDeliveriesQuery = z.output<typeof RetryDeliveriesQuery>;

export const DeliveryPage = pageOf(Delivery).register(z.globalRegistry, { id: "DeliveryPage" });
