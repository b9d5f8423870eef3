import type { StillupError } from "../../errors.ts";
import { withTimeout } from "../../with-timeout.ts";
import type { Consumer, EventStream, Message } from "./stream.ts";

/** What the drivers that reach a service do alike. */

const soonMs = 2_000;

/** @throws StillupError what `failure` makes of the words when no answer comes within 2 s; else what `answer` throws. */
export async function soon(answer: Promise<unknown>, failure: (what: string) => StillupError): Promise<void> {
  const isThere = answer.then(() => true);
  if (!(await withTimeout(soonMs, isThere))) throw failure(`did not answer within ${soonMs / 1_000} s`);
}

/** Adds once more what came for a reader that had gone: pending for nobody, it would wait for its lease to end. */
export async function handBack(
  settle: EventStream["settle"],
  who: Consumer,
  messages: readonly Message[],
): Promise<void> {
  const publish = messages.map(({ body }) => ({ stream: who.stream, body }));
  await settle(who, { ack: messages.map(({ id }) => id), publish }).catch(() => {});
}
