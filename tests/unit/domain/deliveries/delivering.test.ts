import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { sign } from "../../../../domain/channels/types/webhook/sender.ts";
import { claimDueChannels } from "../../../../domain/deliveries/claim-due-channels.ts";
import { deliverDue } from "../../../../domain/deliveries/deliver.ts";
import { leaseDeliveries } from "../../../../domain/deliveries/lease-deliveries.ts";
import { recordDelivered, recordGone } from "../../../../domain/deliveries/record-attempt.ts";
import type { HttpAnswer, HttpCall } from "../../../../runtime/drivers/http/http.ts";
import { aMonitorChange } from "../../../../testing/factories.ts";
import {
  A_SECRET,
  addChannel,
  addDeliveries,
  addDelivery,
  addMonitor,
  makeSchedulesDue,
} from "../../../../testing/rows.ts";
import { failure } from "../../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const start = new Date("2026-03-01T12:00:00Z");
const never = new AbortController().signal;
let env: TestEnv;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set(start);
});
afterAll(() => env.close());

function answered(statusCode: number, headers: Record<string, string> = {}): HttpAnswer {
  const phases = { dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: 1, bodyMs: 0 };
  return { ok: true, statusCode, headers, body: "", truncated: false, totalMs: 2, phases };
}

/** A monitor, and one planned delivery for each event number to the channel. */
async function plan(channelId: string, ...eventNumbers: number[]): Promise<string> {
  const monitorId = await addMonitor(env.sql);
  await addDeliveries(
    env.sql,
    eventNumbers.map((eventNumber) => ({ channelId, monitorId, eventNumber })),
  );
  return monitorId;
}

interface Row {
  status: string;
  attempts: number;
  dueInSeconds: number;
  leased: boolean;
  error: string | null;
}

async function deliveries(): Promise<Row[]> {
  return env.sql<Row>`
    select status, attempts, extract(epoch from next_attempt_at - app_now())::float8 as "dueInSeconds",
      leased_until > app_now() as leased, last_error as error
    from deliveries order by monitor_id, event_number`;
}

describe("delivering", () => {
  it("sends a signed webhook and records that it was delivered", async () => {
    const channel = await addChannel(env.sql);
    const monitor = await plan(channel, 7);
    const calls: HttpCall[] = [];
    env.http.on((call) => {
      calls.push(call);
      return answered(204);
    });
    await deliverDue(env, [channel], never);
    expect(await deliveries()).toMatchObject([{ status: "delivered", attempts: 1, leased: null, error: null }]);
    const [call] = calls;
    const body = JSON.parse(call?.body ?? "");
    expect(body).toMatchObject({
      type: "monitor.down",
      timestamp: start.toISOString(),
      text: "Shop is down: Answered 500; expected 200-299.",
      data: aMonitorChange({ id: monitor }),
    });
    const { "webhook-id": id, "webhook-timestamp": sentAt, "webhook-signature": signature } = call?.headers ?? {};
    expect(id).toBe(body.id);
    expect(signature).toBe(await sign(A_SECRET, `${id}.${sentAt}.${call?.body}`));
    expect(call).toMatchObject({ method: "POST", timeoutMs: 15_000, maxRedirects: 0 });
  });

  it.each([
    ["500", answered(500)],
    ["a redirect", answered(302, { location: "http://elsewhere.example/" })],
    ["429", answered(429)],
  ])("tries again after %s, with the same id and later each time", async (_, answer) => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    const ids: string[] = [];
    env.http.on((call) => {
      ids.push(call.headers?.["webhook-id"] ?? "");
      return answer;
    });
    await deliverDue(env, [channel], never);
    const [first] = await deliveries();
    expect(first).toMatchObject({ status: "pending", attempts: 1, leased: null });
    expect(first?.dueInSeconds).toBeGreaterThanOrEqual(4);
    expect(first?.dueInSeconds).toBeLessThanOrEqual(6);
    await deliverDue(env, [channel], never); // not due yet
    await env.clock.advance(6);
    await deliverDue(env, [channel], never);
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
    expect((await deliveries())[0]?.dueInSeconds).toBeGreaterThanOrEqual(24);
  });

  it("waits as long as the receiver asks for", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    env.http.on(() => answered(503, { "retry-after": "600" }));
    await deliverDue(env, [channel], never);
    const dueInSeconds = (await deliveries())[0]?.dueInSeconds;
    expect(dueInSeconds).toBeGreaterThanOrEqual(600);
    expect(dueInSeconds).toBeLessThanOrEqual(720);
  });

  it("is exhausted after the tenth try, and the next one goes out", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1, 2);
    await env.sql`
      update deliveries set failures = 9, failing_since = app_now() - interval '13 hours' where event_number = 1`;
    env.http.on(() => answered(500));
    await deliverDue(env, [channel], never);
    expect(await deliveries()).toMatchObject([
      { status: "exhausted", error: "The receiver answered 500." },
      { status: "pending", attempts: 0 },
    ]);
    env.http.on(() => answered(200));
    await deliverDue(env, [channel], never);
    expect((await deliveries()).map((row) => row.status)).toEqual(["exhausted", "delivered"]);
  });

  it("has all its tries though leases of it came to nothing", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    await env.sql`update deliveries set failing_since = app_now() - interval '13 hours'`;
    for (let n = 0; n < 12; n++) {
      await leaseDeliveries(env.sql, [channel]);
      await env.clock.advance(31);
    }
    env.http.on(() => answered(500));
    await deliverDue(env, [channel], never);
    const [row] = await deliveries();
    expect(row).toMatchObject({ status: "pending", attempts: 13 });
    expect(row?.dueInSeconds).toBeLessThanOrEqual(6);
  });

  it("has 12 hours from its first try, however long it waited for an earlier one", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    await env.sql`
      update deliveries set created_at = app_now() - interval '13 hours'`;
    env.http.on(() => answered(500));
    for (let failures = 0; failures < 12; failures++) {
      await env.sql`update deliveries set next_attempt_at = app_now()`; // as what is hurried
      await deliverDue(env, [channel], never);
    }
    expect(await deliveries()).toMatchObject([{ status: "pending", attempts: 12 }]);
    await env.clock.advance(12 * 3600);
    await deliverDue(env, [channel], never);
    expect(await deliveries()).toMatchObject([{ status: "exhausted" }]);
  });

  it("knows that a receiver was recorded as gone when the reply to that was lost", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1, 2);
    const [leased] = await leaseDeliveries(env.sql, [channel]);
    if (leased === undefined) throw new Error("a lease was to be had");
    const record = () => recordGone(env.sql, leased, "The receiver answered 410.");
    expect([await record(), await record()]).toEqual([
      { isGone: true, cancelled: 2 },
      { isGone: true, cancelled: 0 },
    ]);
  });

  it("fails, and is tried again later, when this process stood still over it", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    env.http.on(() => failure("aborted", "HELD_UP"));
    await deliverDue(env, [channel], never);
    const [row] = await deliveries();
    expect(row).toMatchObject({ status: "pending", leased: null });
    expect(row?.dueInSeconds).toBeGreaterThanOrEqual(4);
  });

  it("is left to another try when it could not begin long before its lease ends", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    env.http.on(() => failure("aborted", "TOO_LATE"));
    await deliverDue(env, [channel], never);
    expect(await deliveries()).toMatchObject([{ status: "pending", leased: null, dueInSeconds: 0, error: null }]);
    const { beginWithinMs = 0, timeoutMs = 0 } = env.http.calls[0] ?? {};
    expect(beginWithinMs).toBeGreaterThan(0);
    expect(beginWithinMs + timeoutMs).toBeLessThan(30_000);
  });

  it("is tried again, and its channel left enabled, when a URL is gone that was replaced meanwhile", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    env.http.on(async () => {
      await env.sql`
        update channels set config = config || '{"url": "http://new.example/"}' where id = ${channel}`;
      return answered(410);
    });
    await deliverDue(env, [channel], never);
    expect(await deliveries()).toMatchObject([{ status: "pending", attempts: 1, error: "The receiver answered 410." }]);
    expect(await env.sql`select disabled from channels`).toEqual([{ disabled: false }]);
  });

  it("disables a channel whose receiver is gone, and cancels what is pending for it", async () => {
    const [gone, other] = [await addChannel(env.sql), await addChannel(env.sql)];
    await plan(gone, 1, 2);
    await plan(other, 1);
    env.http.on(() => answered(410));
    await deliverDue(env, [gone], never);
    const rows = await env.sql<{ channel: string; status: string }>`
      select channel_id as channel, status from deliveries order by event_number`;
    const statuses = (channel: string) => rows.filter((row) => row.channel === channel).map((row) => row.status);
    expect([statuses(gone), statuses(other)]).toEqual([["cancelled", "cancelled"], ["pending"]]);
    const [channel] = await env.sql`select disabled from channels where id = ${gone}`;
    expect(channel).toEqual({ disabled: true });
    expect(env.logged.at(-1)).toEqual({
      level: "WARN",
      message: "A receiver is gone: its channel is disabled and its pending deliveries are cancelled.",
      fields: { channelId: gone, error: "The receiver answered 410.", cancelled: 2 },
    });
  });

  it("cancels what was planned while its channel or monitor was deleted", async () => {
    const channel = await addChannel(env.sql);
    const monitor = await plan(channel, 1);
    await env.sql`update monitors set deleted_at = app_now() where id = ${monitor}`;
    await deliverDue(env, [channel], never);
    expect(await deliveries()).toMatchObject([{ status: "cancelled" }]);
    expect(env.http.calls).toHaveLength(0);
  });

  it("sends a monitor's deliveries to a channel in order, and another monitor's meanwhile", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1, 2);
    await plan(channel, 5);
    env.http.on((call) => (call.headers?.["webhook-id"]?.match(/^dlv_[^_]+_1_/) ? answered(500) : answered(200)));
    await deliverDue(env, [channel], never);
    await deliverDue(env, [channel], never);
    const rows = await env.sql<{ number: number; status: string }>`
      select event_number as number, status from deliveries order by event_number`;
    expect(rows).toEqual([
      { number: 1, status: "pending" },
      { number: 2, status: "pending" },
      { number: 5, status: "delivered" },
    ]);
  });

  it("has at most 20 tries of one channel under way, and sends a wake-up for the rest", async () => {
    const channel = await addChannel(env.sql);
    for (let n = 0; n < 25; n++) await plan(channel, 1);
    expect(await leaseDeliveries(env.sql, [channel])).toHaveLength(20);
    expect(await leaseDeliveries(env.sql, [channel])).toHaveLength(0);
    await env.clock.advance(31); // the leases are over
    env.http.on(() => answered(200));
    await deliverDue(env, [channel], never);
    const who = { stream: "alerts.due", group: "notification", consumer: "test" };
    const [wakeUp] = await env.stream.read(who, { count: 1, blockMs: 0, signal: never });
    expect(wakeUp?.body).toBe(JSON.stringify({ v: 1, ids: [channel] }));
  });

  it("counts the outcome of a try only while it is the last", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    const [first] = await leaseDeliveries(env.sql, [channel]);
    await env.clock.advance(31);
    const [second] = await leaseDeliveries(env.sql, [channel]);
    if (first === undefined || second === undefined) throw new Error("two leases were to be had");
    expect([first.attempt, second.attempt]).toEqual([1, 2]);
    expect(await recordDelivered(env.sql, first)).toBeNull();
    expect(await deliveries()).toMatchObject([{ status: "pending", leased: true }]);
    expect(await recordDelivered(env.sql, second)).not.toBeNull();
  });
});

describe("sweeping deliveries", () => {
  it("finds channels with something due, and says when the next is", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    await makeSchedulesDue(env.sql);
    expect(await claimDueChannels(env.sql)).toMatchObject({ channelIds: [channel] });
    env.http.on(() => answered(500));
    await deliverDue(env, [channel], never);
    const early = await claimDueChannels(env.sql);
    expect(early.channelIds).toEqual([]);
    expect(early.nextInMs).toBeLessThanOrEqual(6000);
    await env.clock.advance(early.nextInMs / 1000 + 0.001);
    expect(await claimDueChannels(env.sql)).toMatchObject({ channelIds: [channel] });
  });

  it("finds a delivery whose worker died, once its lease is over", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    await leaseDeliveries(env.sql, [channel]);
    const sweep = async () => {
      await makeSchedulesDue(env.sql);
      return (await claimDueChannels(env.sql)).channelIds;
    };
    expect(await sweep()).toEqual([]);
    await env.clock.advance(31);
    expect(await sweep()).toEqual([channel]);
  });

  it("ends its lease at once when no process runs that could have it", async () => {
    const channel = await addChannel(env.sql);
    await plan(channel, 1);
    await leaseDeliveries(env.sql, [channel]);
    expect(await leaseDeliveries(env.sql, [channel])).toEqual([]);
    await env.sql`select free_leases()`;
    expect(await leaseDeliveries(env.sql, [channel])).toHaveLength(1);
  });

  describe("of a receiver that was away for hours", () => {
    /** One that failed `minutesAgo` and waits for hours; what the sweep finds due after that. */
    async function wait(channel: string, minutesAgo: number): Promise<string> {
      const monitor = await plan(channel, 1);
      await env.sql`
        update deliveries set attempts = 9, failures = 9, attempted_at = app_now(),
          next_attempt_at = app_now() + interval '8 hours'`;
      await env.clock.advance(60 * minutesAgo);
      return monitor;
    }
    const sweep = async () => {
      await makeSchedulesDue(env.sql);
      await claimDueChannels(env.sql);
      return (await deliveries())[0]?.dueInSeconds;
    };
    const planned = (monitorId: string, channelId: string, status: string) =>
      addDelivery(env.sql, { monitorId, channelId, eventNumber: 2, type: "monitor.up", status });

    it("waits on where nothing is new", async () => {
      await wait(await addChannel(env.sql), 20);
      expect(await sweep()).toBeGreaterThan(7 * 3600);
    });

    it("tries at once when there is more of the same monitor, once for each", async () => {
      const channel = await addChannel(env.sql);
      const monitor = await wait(channel, 1);
      await planned(monitor, channel, "pending");
      expect(await sweep()).toBe(0);
      await env.clock.advance(1);
      env.http.on(() => answered(500));
      await deliverDue(env, [channel], never);
      expect(await sweep()).toBeGreaterThan(6 * 3600);
    });

    it("tries ten minutes after its last try when it took what is newer", async () => {
      const channel = await addChannel(env.sql);
      await wait(channel, 1);
      await planned("mon_other", channel, "delivered");
      expect(await sweep()).toBeGreaterThan(7 * 3600);
      await env.clock.advance(600);
      expect(await sweep()).toBe(0);
    });
  });
});
