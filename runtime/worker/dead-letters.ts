import type { ConsumeFunction, Env, NewDeadLetter } from "../contract.ts";
import { deadLettersTotal } from "../metrics.ts";

/** Has the worker record a dead letter, counts it and logs it. Rejects when it could not be recorded: then do not ack it. */
export async function recordDeadLetter(fn: ConsumeFunction, env: Env, letter: NewDeadLetter): Promise<void> {
  const { stream, message, reason } = letter;
  await fn.deadLetter(letter, env);
  env.metrics.count(deadLettersTotal, { stream });
  env.log.error("A message became a dead letter.", { messageId: message.id, attempts: message.attempts, reason });
}
