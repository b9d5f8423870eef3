import type { Http, HttpAnswer, HttpCall } from "../../runtime/drivers/http/http.ts";
import type { ChannelEvent } from "./events.ts";
import type { SendResult } from "./send-result.ts";

/** A channel type as `types/<type>/sender.ts` declares it: its message for an event, and how that is sent. */
export interface Sender<Config = unknown, Message = unknown> {
  /** The same as in its schema. */
  readonly type: string;
  /** Pure. */
  render(event: ChannelEvent): Message;
  /**
   * One attempt. What the receiver does is a value; whatever this throws counts as a failed attempt. Several calls must
   * end together within the time of one. A field that `config` got in a later release is absent from older channels.
   */
  send(ports: SenderPorts, config: Config, message: Message): Promise<SendResult>;
}

/** How a sender reaches the world. The limits of a call are set already: its time, and when it is broken off. */
export interface SenderPorts {
  readonly http: {
    call(request: Omit<HttpCall, "timeoutMs" | "signal" | "beginWithinMs" | "atOnce">): Promise<HttpAnswer>;
  };
}

/** An attempt must end long before its lease of 30 s: see BEGIN_WITHIN_MS in deliver.ts. */
const CALL_TIMEOUT_MS = 15_000;

/** When an attempt is broken off. */
export interface AttemptLimits {
  readonly signal: AbortSignal;
  /** An attempt that has not begun so soon never begins. */
  readonly beginWithinMs?: number;
}

/** The ports for one attempt. */
export function senderPorts({ http }: { readonly http: Http }, limits: AttemptLimits): SenderPorts {
  return { http: { call: (request) => http.call({ ...request, ...limits, timeoutMs: CALL_TIMEOUT_MS }) } };
}
