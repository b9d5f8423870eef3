import { type Arrival, startWebhookReceiver } from "../testing/webhooks.ts";
import { serve } from "./helper.ts";

/** The webhook receiver's process, for both sides. */
const receiver = await startWebhookReceiver();

const methods = {
  url: () => receiver.url,
  count: () => receiver.arrivals.length,
  arrivals: (): readonly Arrival[] => receiver.arrivals,
};
export type ReceiverMethods = typeof methods;
serve(methods);
