import { afterAll, beforeEach, expect, it, vi } from "vitest";
import { deliverDue } from "../../../../domain/deliveries/deliver.ts";
import { addChannel, addDelivery, addMonitor } from "../../../../testing/rows.ts";
import { answer } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

let env: TestEnv;
let channel: string;

beforeEach(async () => {
  env = await testEnv({ config: { drainSeconds: 10 } });
  channel = await addChannel(env.sql);
  await addMonitor(env.sql, { id: "mon_1" });
  await addDelivery(env.sql, { channelId: channel, attempts: 9, failures: 9 });
});
afterAll(() => env.close());

async function delivery() {
  const [row] = await env.sql`select status, attempts, failures, leased_until as "leasedUntil" from deliveries`;
  return row;
}

/** A try that the receiver answers when the test says so, or never. */
async function begin(stop: AbortSignal) {
  let reply = () => {};
  const began = new Promise<void>((resolve) => {
    env.http.on((call) => {
      resolve();
      return new Promise((done) => {
        reply = () => done(answer(200, ""));
        call.signal?.addEventListener("abort", () =>
          done({
            ok: false,
            failure: "aborted",
            code: "ABORT_ERR",
            detail: "given up",
            statusCode: null,
            totalMs: 1,
            phases: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, bodyMs: null },
          }),
        );
      });
    });
  });
  const delivering = deliverDue(env, [channel], stop);
  await began;
  return { delivering, reply: () => reply() };
}

it("lets a receiver answer while the process stops", async () => {
  const stop = new AbortController();
  const { delivering, reply } = await begin(stop.signal);
  stop.abort();
  reply();
  await delivering;
  expect(await delivery()).toEqual({ status: "delivered", attempts: 10, failures: 9, leasedUntil: null });
});

it("gives a try back uncounted, the tenth too, when the receiver has not answered after half of the time", async () => {
  const stop = new AbortController();
  const { delivering } = await begin(stop.signal);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  stop.abort();
  vi.advanceTimersByTime(5000);
  vi.useRealTimers();
  await delivering;
  expect(await delivery()).toEqual({ status: "pending", attempts: 10, failures: 9, leasedUntil: null });
});

it("begins no try once the process stops", async () => {
  await deliverDue(env, [channel], AbortSignal.abort());
  expect(env.http.calls).toHaveLength(0);
  expect(await delivery()).toEqual({ status: "pending", attempts: 9, failures: 9, leasedUntil: null });
});
