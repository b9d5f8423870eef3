import type { StillupError } from "../../errors.ts";
import { withTimeout } from "../../with-timeout.ts";
import type { Consumer, EventStream, Message } from "./stream.ts";

/** What the adapters that reach a service have in common. */

const pingTimeoutMs = 2_000;

/** @throws what `answer` throws, or what `failure` makes of the words when it takes longer than 2 s. */
export async function withinPingTimeout(
  answer: Promise<unknown>,
  failure: (what: string) => StillupError,
): Promise<void> {
  const answered = answer.then(() => true);
  if (!(await withTimeout(pingTimeoutMs, answered))) throw failure(`did not answer within ${pingTimeoutMs / 1_000} s`);
}

/** Adds messages again that came after their reader had gone. Left pending, they would wait for their lease to end. */
export async function handBack(
  settle: EventStream["settle"],
  who: Consumer,
  messages: readonly Message[],
): Promise<void> {
  const publish = messages.map(({ body }) => ({ stream: who.stream, body }));
  await settle(who, { ack: messages.map(({ id }) => id), publish }).catch(() => {});
}
