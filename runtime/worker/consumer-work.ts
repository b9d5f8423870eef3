import { setMaxListeners } from "node:events";
import type { Message } from "../drivers/stream/stream.ts";
import { errorFields } from "../errors.ts";
import { type ConsumerCallOptions, callAndSettle } from "./consumer-call.ts";
import type { Retry } from "./settle.ts";

/** Failed messages wait in memory for their retry. With so many of them, nothing new is read. */
const MAX_WAITING = 200;

interface WorkOptions extends ConsumerCallOptions {
  /** Messages given to one call, at most. */
  readonly batchSize: number;
  /** Calls side by side, at most. */
  readonly parallel: number;
}

/** A consumer's messages, from reading until they are settled or handed back. */
interface ConsumerWork {
  /** Starts the messages, in calls of at most `batchSize`. */
  begin(messages: readonly Message[]): void;
  /** How many messages could be started now. */
  free(): number;
  /** Resolves when that may have changed. */
  changed(): Promise<void>;
  calls(): number;
  /** Aborts the calls. When they and `reading` have ended, publishes the unfinished messages again. */
  stop(reading: Promise<void>): Promise<void>;
}

export function createWork(options: WorkOptions): ConsumerWork {
  const { batchSize, parallel } = options;
  const stopping = new AbortController();
  const calls = new Map<AbortController, Promise<void>>();
  const queue: (readonly Message[])[] = [];
  const retries = createRetries(options, stopping.signal, (messages) => begin(messages));
  let notify = () => {};

  const call = async (batch: readonly Message[], controller: AbortController) => {
    for (const retry of await callAndSettle(options, batch, controller)) retries.add(retry, batch);
    calls.delete(controller);
    startQueued();
    notify();
  };

  const startQueued = () => {
    while (calls.size < parallel && !stopping.signal.aborted) {
      const batch = queue.shift();
      if (batch === undefined) return;
      const controller = new AbortController();
      setMaxListeners(0, controller.signal); // an entry's hundred checks wait on it, and Node 20 warns of the eleventh
      calls.set(controller, call(batch, controller));
    }
  };

  const begin = (messages: readonly Message[]) => {
    for (let at = 0; at < messages.length; at += batchSize) queue.push(messages.slice(at, at + batchSize));
    startQueued();
    notify();
  };

  return {
    begin,
    calls: () => calls.size,
    free() {
      if (retries.size() >= MAX_WAITING) return 0;
      return Math.max(0, parallel - calls.size - queue.length) * batchSize;
    },
    changed: () =>
      new Promise((resolve) => {
        notify = resolve;
      }),
    async stop(reading) {
      stopping.abort();
      notify();
      for (const controller of calls.keys()) controller.abort();
      await Promise.all([reading, ...calls.values()]);
      const waiting = await retries.stopped();
      await handBack(options, [...waiting, ...queue.splice(0).flat()]);
    },
  };
}

/** Messages that wait for their retry. */
function createRetries(
  { env, who, sleep, outage }: ConsumerCallOptions,
  stopping: AbortSignal,
  begin: (messages: readonly Message[]) => void,
) {
  const waiting = new Map<string, { message: Message; done: Promise<void> }>();

  const retry = async ({ id, delayMs }: Retry) => {
    if (!(await sleep(delayMs, stopping))) return;
    // If this fails, the message stays pending, and another consumer claims it after the lease.
    const messages = await env.stream.redeliver(who, [id]).catch((error: unknown) => {
      outage.failed(error);
      return [];
    });
    waiting.delete(id);
    begin(messages);
  };

  return {
    size: () => waiting.size,
    add(what: Retry, batch: readonly Message[]) {
      const message = batch.find(({ id }) => id === what.id);
      if (message !== undefined) waiting.set(what.id, { message, done: retry(what) });
    },
    /** The messages that were not retried before the stop. */
    async stopped(): Promise<Message[]> {
      await Promise.all([...waiting.values()].map(({ done }) => done));
      return [...waiting.values()].map(({ message }) => message);
    },
  };
}

async function handBack({ env, who }: ConsumerCallOptions, messages: readonly Message[]): Promise<void> {
  const publish = messages.map(({ body }) => ({ stream: who.stream, body }));
  await env.stream.settle(who, { ack: messages.map(({ id }) => id), publish }).catch((error: unknown) => {
    env.log.warn("Messages could not be handed back; other workers claim them after the lease.", errorFields(error));
  });
}
