import { randomUUID } from "node:crypto";
import type { Ctx } from "../../runtime/contract.ts";
import type { Message } from "../../runtime/drivers/stream/stream.ts";
import { errorFields } from "../../runtime/errors.ts";
import { callEnv, type HostEnv } from "../../runtime/host-env.ts";
import { createBackground } from "../../runtime/worker/background.ts";
import { recordDeadLetter } from "../../runtime/worker/dead-letters.ts";
import { type CallOutcome, settle } from "../../runtime/worker/settle.ts";
import type { LoadedFunctions, LoadedWorker } from "../../runtime/worker/start-functions.ts";
import type { HostBindings } from "./bindings.ts";

type Workers = Pick<LoadedFunctions, "workers">;

/** Messages of one queue of the host's, which it gave in one call. */
interface Queued {
  readonly queue: string;
  readonly messages: readonly Message[];
  /** When the host ends the call: milliseconds since 1970. */
  readonly deadline: number;
  /** Aborts when unfinished messages must be handed back. */
  readonly signal: AbortSignal;
}

/** Has a queue's worker take messages. Resolves with those that must come again, by id, and after how many milliseconds. */
export async function consumeQueue(
  functions: Workers,
  bindings: HostBindings,
  queued: Queued,
): Promise<Map<string, number>> {
  const { queue, messages, deadline, signal } = queued;
  const worker = workerOf(functions, queue);
  const { env } = bindings;
  const { waitUntil, idle } = createBackground(env.log);
  const consume = queue.endsWith(".fifo") ? consumeInOrder : consumeQueued;
  const redelivered = await consume({ worker, env, ctx: { deadline, signal, waitUntil } }, messages);
  await idle();
  return redelivered;
}

interface QueueCall {
  readonly worker: LoadedWorker;
  readonly env: HostEnv;
  readonly ctx: Omit<Ctx, "requestId">;
}

/** The worker that a host's queue is for: its name ends in the stream's, with hyphens for dots. */
function workerOf({ workers }: Workers, queue: string): LoadedWorker {
  const found = workers.find(({ source }) => queue.replace(/\.fifo$/, "").endsWith(source.stream.replaceAll(".", "-")));
  if (found !== undefined) return found;
  const names = workers.map(({ source }) => source.stream.replaceAll(".", "-")).join(", ");
  throw new Error(`The queue ${queue} is for no function here: its name must end in one of ${names || "none"}.`);
}

/** A message that was delivered before gets a call of its own, so that one that fails cannot make others fail. */
async function consumeQueued(call: QueueCall, messages: readonly Message[]): Promise<Map<string, number>> {
  const redelivered = new Map<string, number>();
  const calls = batchesOf(messages, call.worker.source.batchSize).map((batch) =>
    consumeBatch(call, batch, redelivered),
  );
  await Promise.all(calls);
  return redelivered;
}

/** One call after the other; with the first message that must come again, all after it must, too. */
async function consumeInOrder(call: QueueCall, messages: readonly Message[]): Promise<Map<string, number>> {
  const redelivered = new Map<string, number>();
  for (const [at, message] of messages.entries()) {
    await consumeBatch(call, [message], redelivered);
    if (redelivered.size > 0) return new Map(messages.slice(at).map(({ id }) => [id, 0]));
  }
  return redelivered;
}

function batchesOf(messages: readonly Message[], size: number): (readonly Message[])[] {
  const fresh = messages.filter(({ attempts }) => attempts === 1);
  const batches: (readonly Message[])[] = messages.filter(({ attempts }) => attempts > 1).map((message) => [message]);
  for (let at = 0; at < fresh.length; at += size) batches.push(fresh.slice(at, at + size));
  return batches;
}

/** When publishing or recording fails, the messages come again, and with them everything that follows from them. */
async function consumeBatch(
  { worker: { fn, source, ports }, env, ctx }: QueueCall,
  messages: readonly Message[],
  redelivered: Map<string, number>,
): Promise<void> {
  const requestId = randomUUID();
  const batch = { source: source.stream, messages };
  const run = async () => fn.consume(batch, callEnv(env, { ports, requestId }), { ...ctx, requestId });
  const outcome = await run().then(
    (result): CallOutcome => ({ result }),
    (error: unknown): CallOutcome => ({ error }),
  );
  const { retry, deadLetters, publish, error } = settle(batch, outcome);
  if (error !== undefined) env.log.error("A call failed.", { requestId, ...errorFields(error) });
  for (const { id, delayMs } of retry) redelivered.set(id, delayMs);
  try {
    for (const { message, reason } of deadLetters) {
      await recordDeadLetter(fn, env, { stream: source.stream, message, reason });
    }
    if (publish.length > 0) await env.stream.publish(publish);
  } catch (error) {
    env.log.error("The results of a call could not be stored; its messages are delivered again.", errorFields(error));
    for (const { id } of messages) if (!redelivered.has(id)) redelivered.set(id, 0);
  }
}
