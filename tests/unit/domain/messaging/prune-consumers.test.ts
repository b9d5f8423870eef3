import { expect, it, vi } from "vitest";
import { statusChanged } from "../../../../domain/messaging/wake-up.ts";
import tendStream from "../../../../functions/schedules/prune-consumers.ts";
import type { ScheduledFunction } from "../../../../runtime/contract.ts";
import { createMemoryStream } from "../../../../runtime/drivers/stream/memory.ts";
import { testEnv } from "../../../../testing/test-env.ts";

const schedule: ScheduledFunction = tendStream;
const forever = new AbortController().signal;

it("removes consumers that are long gone, and only once what they held was taken over", async () => {
  let now = 1_000_000;
  const stream = createMemoryStream({ now: () => now });
  const made = await testEnv({ config: { workerLeaseSeconds: 120 } });
  const removed: number[] = [];
  const removeIdleConsumers = vi.fn(async (...args: Parameters<typeof stream.removeIdleConsumers>) => {
    const count = await stream.removeIdleConsumers(...args);
    removed.push(count);
    return count;
  });
  const env = { ...made, stream: { ...stream, removeIdleConsumers } };
  const tend = async () => {
    removed.length = 0;
    await env.sql`update schedules set next_run_at = '-infinity' where name = 'prune-consumers'`;
    await schedule.scheduled({ id: "tick", scheduledTime: 0 }, env, made.ctx());
    return removed.reduce((sum, count) => sum + count, 0);
  };
  const [dead, heir] = ["dead", "heir"].map((consumer) => ({ ...statusChanged, consumer }));
  if (dead === undefined || heir === undefined) throw new Error("two consumers");

  await stream.publish([{ stream: statusChanged.stream, body: "held" }]);
  await stream.read(dead, { count: 1, blockMs: 0, signal: forever });
  now += 1_200_000;
  expect(await tend()).toBe(0);
  const { messages } = await stream.claimStale(heir, { minIdleMs: 120_000, count: 1 });
  expect(messages).toMatchObject([{ body: "held", attempts: 2 }]);
  expect(await tend()).toBe(1);
  expect(
    await stream.redeliver(
      heir,
      messages.map(({ id }) => id),
    ),
  ).toMatchObject([{ body: "held" }]);
});
