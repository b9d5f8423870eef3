import enqueueChecks from "../functions/schedules/enqueue-checks.ts";
import monitoring, { source as checks } from "../functions/workers/monitoring.ts";
import notification, { source as alerts } from "../functions/workers/notification.ts";
import statusChange, { source as changes } from "../functions/workers/status-change.ts";
import type { ConsumeFunction, Ctx, Env, ScheduledFunction, Source } from "../runtime/contract.ts";
import { settle } from "../runtime/worker/settle.ts";
import { makeSchedulesDue } from "./rows.ts";

const schedule: ScheduledFunction = enqueueChecks;
const consumers: [ConsumeFunction, Source][] = [
  [monitoring, checks],
  [statusChange, changes],
  [notification, alerts],
];

/** Gives out the checks that are due, whenever the schedule ran last. */
export async function enqueue(env: Env, ctx: Ctx): Promise<void> {
  await makeSchedulesDue(env.sql);
  const result = await schedule.scheduled({ id: "tick", scheduledTime: 0 }, env, ctx);
  if (result?.publish !== undefined) await env.stream.publish(result.publish);
}

/**
 * Runs the three workers one after another until no stream has anything new. A check does not wait until it is due: its
 * message is given as one that came before.
 */
export async function drain(env: Env, ctx: Ctx): Promise<void> {
  const signal = new AbortController().signal;
  for (let quiet = 0; quiet < consumers.length; ) {
    quiet = 0;
    for (const [fn, { stream, group }] of consumers) {
      const who = { stream, group, consumer: "test" };
      const messages = await env.stream.read(who, { count: 100, blockMs: 0, signal });
      if (messages.length === 0) {
        quiet++;
        continue;
      }
      const batch = { source: stream, messages: messages.map((message) => ({ ...message, attempts: 2 })) };
      const outcome = await fn.consume(batch, env, ctx).then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      );
      const { ack, publish, error, deadLetters } = settle(batch, outcome);
      if (error !== undefined) throw error;
      await env.stream.settle(who, { ack: [...ack, ...deadLetters.map(({ message }) => message.id)], publish });
    }
  }
}

/** One round of checks of everything that is due, and all that follows from it. */
export async function checkDue(env: Env, ctx: Ctx): Promise<void> {
  await enqueue(env, ctx);
  await drain(env, ctx);
}
