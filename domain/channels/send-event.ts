import type { Env } from "../../runtime/contract.ts";
import { errorFields } from "../../runtime/errors.ts";
import { eventText } from "./event-text.ts";
import type { EventFacts } from "./events.ts";
import { findSender } from "./find-sender.ts";
import type { SendResult } from "./send-result.ts";
import { type AttemptLimits, senderPorts } from "./sender.ts";
import { unknownType } from "./unknown-type.ts";

interface Receiver {
  readonly type: string;
  readonly config: unknown;
}

/** One attempt to send an event to a channel. Throws StillupError `wrong_state` for a type of a newer release. */
export async function sendEvent(
  env: Pick<Env, "http" | "log">,
  { type, config }: Receiver,
  { event, limits }: { event: EventFacts; limits: AttemptLimits },
): Promise<SendResult> {
  const sender = findSender(type);
  if (sender === undefined) throw unknownType(type);
  const startedAt = performance.now();
  try {
    const message = sender.render({ ...event, text: eventText(event) });
    return await sender.send(senderPorts(env, limits), config, message);
  } catch (error) {
    // A receiver's failure is a value, so this is a bug. Counted as a failure, it cannot be repeated for ever.
    env.log.error("A channel's message could not be sent.", { channelType: type, ...errorFields(error) });
    return {
      outcome: "failed",
      statusCode: null,
      error: "Stillup could not make or send this message. Its log says why.",
      retryAfterMs: null,
      durationMs: performance.now() - startedAt,
    };
  }
}
