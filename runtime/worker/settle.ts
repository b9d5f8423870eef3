import type { Batch, Consumed, ConsumeResult, HopelessMessage } from "../contract.ts";
import type { Message, Outgoing } from "../drivers/stream/stream.ts";
import { isTransient, StillupError } from "../errors.ts";
import { jitter } from "../jitter.ts";

/** With this attempt a message that fails by itself becomes a dead letter. */
const lastTry = 5;
/** The same for a message of a newer release, after about 4 minutes. Until then newer workers should have claimed it. */
const lastTryOfNewer = 30;
const longestDelayMs = 8_000;
const longestReason = 500;

/** How a call to `consume` ended. */
export type CallOutcome = { readonly result: ConsumeResult } | { readonly error: unknown };

export interface Retry {
  readonly id: string;
  /** How long to wait before it is given to the same consumer again. */
  readonly delayMs: number;
  /** In a batch of its own, so that it cannot make other messages fail. */
  readonly alone: boolean;
}

/** What is to become of a batch. Each message is in one of `ack`, `retry` and `deadLetters`. */
export interface Settlement {
  /** Done: to be acked in one trip with `publish`. */
  readonly ack: readonly string[];
  readonly publish: readonly Outgoing[];
  /** To be left pending meanwhile. */
  readonly retry: readonly Retry[];
  /** To be recorded, counted and then acked. */
  readonly deadLetters: readonly { readonly message: Message; readonly reason: string }[];
  /** For the log: what the call threw, or what is wrong with its result. */
  readonly error?: unknown;
}

/** The rules of `consume`, the same for every host. `random` gives 0 to 1. */
export function settle(batch: Batch, outcome: CallOutcome, random: () => number = Math.random): Settlement {
  if ("error" in outcome) return settleThrown(batch, outcome.error, random);
  const result = outcome.result ?? {};
  const fault = faultIn(batch, result);
  return fault === undefined ? settleDone(batch, result, random) : settleThrown(batch, fault, random);
}

function settleDone({ messages }: Batch, result: Consumed, random: () => number): Settlement {
  const retrying = new Set(result.retry);
  const reasons = new Map(result.deadLetters?.map(({ id, reason }) => [id, reason]));
  for (const { id, attempts } of messages) {
    if (retrying.has(id) && attempts >= lastTry)
      reasons.set(id, `The worker asked for another try after ${attempts} tries.`);
  }
  const isDone = ({ id }: Message) => !retrying.has(id) && !reasons.has(id);
  return {
    ack: messages.filter(isDone).map(({ id }) => id),
    publish: result.publish ?? [],
    retry: messages
      .filter(({ id }) => retrying.has(id) && !reasons.has(id))
      .map((message) => retry(message, false, random)),
    deadLetters: messages.flatMap((message) => {
      const reason = reasons.get(message.id);
      return reason === undefined ? [] : [{ message, reason: reason.slice(0, longestReason) }];
    }),
  };
}

/**
 * Which message of several made the call throw is not known, so none is given up before it has failed alone. What the
 * call would have published is lost with it: it did not get to say.
 */
function settleThrown({ messages }: Batch, error: unknown, random: () => number): Settlement {
  const [only] = messages;
  if (messages.length === 1 && only !== undefined && isHopeless(only, error)) {
    return { ack: [], publish: [], retry: [], deadLetters: [{ message: only, reason: reasonOf(error) }], error };
  }
  return {
    ack: [],
    publish: [],
    retry: messages.map((message) => retry(message, true, random)),
    deadLetters: [],
    error,
  };
}

function isHopeless({ attempts }: Message, error: unknown): boolean {
  if (error instanceof StillupError && error.code === "newer_message") return attempts >= lastTryOfNewer;
  if (isTransient(error)) return false;
  return attempts >= lastTry || (error instanceof StillupError && error.code === "invalid_message");
}

function retry({ id, attempts }: Message, alone: boolean, random: () => number): Retry {
  const delayMs = Math.min(1_000 * 2 ** (attempts - 1), longestDelayMs);
  return { id, delayMs: Math.round(jitter(delayMs, { random })), alone };
}

/** A result that names messages outside the batch, or one message twice, is not trusted in the rest. */
function faultIn({ source, messages }: Batch, { retry = [], deadLetters = [] }: Consumed): StillupError | undefined {
  const ids = new Set(messages.map(({ id }) => id));
  const named = [...new Set(retry), ...new Set(deadLetters.map(({ id }) => id))];
  const wrong = named.filter((id) => !ids.delete(id));
  if (wrong.length === 0) return undefined;
  const list = wrong.slice(0, 3).join(", ");
  return new StillupError("internal", `The consumer of ${source} named messages not in its batch, or twice: ${list}`);
}

/**
 * The batch's messages with their bodies read. A body that `parse` throws on fails alone: `invalid` goes into the
 * result's `deadLetters`. What will pass, a message for a newer release, is thrown: each then comes again by itself.
 */
export function parseMessages<Value>(
  { messages }: Batch,
  parse: (body: string) => Value,
): { parsed: { message: Message; value: Value }[]; invalid: HopelessMessage[] } {
  const parsed: { message: Message; value: Value }[] = [];
  const invalid: HopelessMessage[] = [];
  for (const message of messages) {
    try {
      parsed.push({ message, value: parse(message.body) });
    } catch (error) {
      if (isTransient(error)) throw error;
      invalid.push({ id: message.id, reason: reasonOf(error) });
    }
  }
  return { parsed, invalid };
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, longestReason);
}
