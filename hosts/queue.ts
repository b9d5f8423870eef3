import { randomUUID } from "node:crypto";
import type { Ctx, Env } from "../runtime/contract.ts";
import { errorFields } from "../runtime/log.ts";
import { callEnv } from "../runtime/loop/call.ts";
import type { Worker } from "../runtime/loop/working.ts";
import { recordSetApart } from "../runtime/set-apart.ts";
import { type Outcome, settle } from "../runtime/settle.ts";
import type { Message } from "../runtime/stream/stream.ts";
import type { Artefact } from "./artefact.ts";

export interface QueueCall {
  readonly worker: Worker;
  readonly env: Env;
  readonly ctx: Omit<Ctx, "requestId">;
}

/** The worker that a host's queue is for: its name ends in the stream's, with hyphens for dots. */
export function workerOf({ workers }: Artefact, queue: string): Worker {
  const found = workers.find(({ source }) => queue.replace(/\.fifo$/, "").endsWith(source.stream.replaceAll(".", "-")));
  if (found !== undefined) return found;
  const names = workers.map(({ source }) => source.stream.replaceAll(".", "-")).join(", ");
  throw new Error(`The queue ${queue} is for no function here: its name must end in one of ${names || "none"}.`);
}

/**
 * Gives messages of a host's queue to their worker: those that came before each in a call of its own, so that one takes
 * no other down with it for ever. Resolves with those that must come again, by id, and after how many milliseconds.
 */
export async function consumeQueued(call: QueueCall, messages: readonly Message[]): Promise<Map<string, number>> {
  const again = new Map<string, number>();
  const calls = batchesOf(messages, call.worker.source.batchSize).map((batch) => consumeBatch(call, batch, again));
  await Promise.all(calls);
  return again;
}

/** The same one call after the other; with the first message that must come again, all after it must, too. */
export async function consumeInOrder(call: QueueCall, messages: readonly Message[]): Promise<Map<string, number>> {
  const again = new Map<string, number>();
  for (const [at, message] of messages.entries()) {
    await consumeBatch(call, [message], again);
    if (again.size > 0) return new Map(messages.slice(at).map(({ id }) => [id, 0]));
  }
  return again;
}

function batchesOf(messages: readonly Message[], size: number): (readonly Message[])[] {
  const fresh = messages.filter(({ attempts }) => attempts === 1);
  const batches: (readonly Message[])[] = messages.filter(({ attempts }) => attempts > 1).map((message) => [message]);
  for (let at = 0; at < fresh.length; at += size) batches.push(fresh.slice(at, at + size));
  return batches;
}

/** What was published or recorded in vain is done again with the messages that it came from. */
async function consumeBatch(
  { worker: { fn, source }, env, ctx }: QueueCall,
  messages: readonly Message[],
  again: Map<string, number>,
): Promise<void> {
  const requestId = randomUUID();
  const batch = { source: source.stream, messages };
  const run = async () => fn.consume(batch, callEnv(env, requestId), { ...ctx, requestId });
  const outcome = await run().then(
    (result): Outcome => ({ result }),
    (error: unknown): Outcome => ({ error }),
  );
  const { retry, setApart, publish, error } = settle(batch, outcome);
  if (error !== undefined) env.log.error("A call failed.", { requestId, ...errorFields(error) });
  for (const { id, delayMs } of retry) again.set(id, delayMs);
  try {
    for (const { message, reason } of setApart) {
      await recordSetApart(env.sql, { stream: source.stream, message, reason });
      env.metrics.count("stillup_set_apart_total", { stream: source.stream });
      env.log.error("A message is set apart.", { messageId: message.id, attempts: message.attempts, reason });
    }
    if (publish.length > 0) await env.stream.publish(publish);
  } catch (error) {
    env.log.error("What a call led to could not be kept; its messages come again.", errorFields(error));
    for (const { id } of messages) if (!again.has(id)) again.set(id, 0);
  }
}
