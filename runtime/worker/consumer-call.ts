import { randomUUID } from "node:crypto";
import type { Batch, ConsumeFunction, Ctx, Ports } from "../contract.ts";
import type { Consumer, Message } from "../drivers/stream/stream.ts";
import { errorFields, isTransient, StillupError } from "../errors.ts";
import { callEnv, type HostEnv } from "../host-env.ts";
import { jitter } from "../jitter.ts";
import type { sleep } from "../sleep.ts";
import type { Background } from "./background.ts";
import { recordDeadLetter } from "./dead-letters.ts";
import type { Outage } from "./outage.ts";
import { type CallOutcome, type Retry, type Settlement, settle } from "./settle.ts";

/** After this part of the lease a call is aborted, so that what it returns is settled before the lease ends. */
const SIGNAL_AT = 0.8;
/** About how long a message waits that could not be recorded as a dead letter. */
const DEAD_LETTER_RETRY_MS = 8000;

export interface ConsumerCallOptions {
  readonly who: Consumer;
  readonly fn: ConsumeFunction;
  readonly ports?: Ports;
  readonly env: HostEnv;
  readonly background: Background;
  /** Of the services behind the calls. */
  readonly outage: Outage;
  readonly sleep: typeof sleep;
}

/**
 * Calls the worker and does what follows: acks messages, records dead letters, publishes. Never throws. Resolves with the
 * messages that this process must retry. `call` aborts when the process stops, and is aborted when the time is up.
 */
export async function callAndSettle(
  options: ConsumerCallOptions,
  messages: readonly Message[],
  call: AbortController,
): Promise<readonly Retry[]> {
  const batch = { source: options.who.stream, messages };
  const outcome = await runCall(options, batch, call);
  if (outcome === "overdue") {
    options.env.log.error("A call did not end within its lease; other workers claim its messages.", idsOf(messages));
    return [];
  }
  const settlement = settle(batch, outcome);
  logOutcome(options, settlement, messages);
  const kept = await deadLetters(options, settlement);
  await settleUntilDone(options, { ...settlement, ack: [...settlement.ack, ...kept.recorded] }, call.signal);
  return [...settlement.retry, ...kept.failed];
}

async function runCall(
  { fn, ports, env, background, sleep: wait }: ConsumerCallOptions,
  batch: Batch,
  call: AbortController,
): Promise<CallOutcome | "overdue"> {
  const leaseMs = env.config.workerLeaseSeconds * 1000;
  const requestId = randomUUID();
  const ctx: Ctx = {
    requestId,
    deadline: Date.now() + leaseMs * SIGNAL_AT,
    signal: call.signal,
    waitUntil: background.waitUntil,
  };
  const ended = new AbortController();
  const run = async () => fn.consume(batch, callEnv(env, { ports, requestId }), ctx);
  const outcome = run()
    .then((result): CallOutcome => ({ result }))
    .catch((error: unknown): CallOutcome => ({ error }))
    .finally(() => ended.abort());
  const late = wait(leaseMs * SIGNAL_AT, ended.signal).then(async (isLate) => {
    if (isLate) call.abort();
    if (isLate && (await wait(leaseMs * (1 - SIGNAL_AT), ended.signal))) return "overdue" as const;
    return outcome;
  });
  return Promise.race([outcome, late]);
}

function logOutcome({ env, outage }: ConsumerCallOptions, { error }: Settlement, messages: readonly Message[]): void {
  if (error === undefined) outage.over();
  else if (isTransient(error)) outage.failed(error);
  else env.log.error("A call failed.", { ...idsOf(messages), ...errorFields(error) });
}

/** Records the dead letters. A message that cannot be recorded stays pending and is retried. */
async function deadLetters({ fn, env, who, outage }: ConsumerCallOptions, settlement: Settlement) {
  const recorded: string[] = [];
  const failed: Retry[] = [];
  for (const { message, reason } of settlement.deadLetters) {
    try {
      await recordDeadLetter(fn, env, { stream: who.stream, message, reason });
      recorded.push(message.id);
    } catch (error) {
      outage.failed(error);
      failed.push({ id: message.id, delayMs: jitter(DEAD_LETTER_RETRY_MS), alone: true });
    }
  }
  return { recorded, failed };
}

/** Retries until the stream service accepts it, the process stops or the lease ends: then the messages stay pending. */
async function settleUntilDone(
  { env, who, outage, sleep: wait }: ConsumerCallOptions,
  { ack, publish: wanted }: Pick<Settlement, "ack" | "publish">,
  signal: AbortSignal,
): Promise<void> {
  let publish = wanted;
  const giveUpAt = performance.now() + env.config.workerLeaseSeconds * 1000;
  while (ack.length + publish.length > 0) {
    try {
      await env.stream.settle(who, { ack, publish });
      return;
    } catch (error) {
      const waitMs = outage.failed(error);
      // Acks free the memory that is missing, and a sweep finds the work that the entries would have announced.
      const isFull = publish.length > 0 && error instanceof StillupError && error.code === "stream_full";
      if (isFull) publish = [];
      else if (performance.now() > giveUpAt || !(await wait(waitMs, signal))) return;
    }
  }
}

function idsOf(messages: readonly Message[]) {
  return { messageIds: messages.slice(0, 10).map(({ id }) => id), messages: messages.length };
}
