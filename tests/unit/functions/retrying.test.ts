import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { claimDueChannels } from "../../../domain/deliveries/claim-due-channels.ts";
import { deliverDue } from "../../../domain/deliveries/deliver.ts";
import { leaseDeliveries } from "../../../domain/deliveries/lease-deliveries.ts";
import { recordDelivered, recordExhausted, recordFailed } from "../../../domain/deliveries/record-attempt.ts";
import { aChannel, aMonitor, aMonitorChange } from "../../../testing/factories.ts";
import { drain } from "../../../testing/pipeline.ts";
import { type Api, api } from "../../../testing/routes.ts";
import { addDeliveries, addDelivery, type DeliveryRow, times } from "../../../testing/rows.ts";
import { answer } from "../../../testing/scripted-http.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

let env: TestEnv;
let call: Api["send"];
let channelId: string;
let monitorId: string;

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
  call = api(env).send;
  channelId = (await call("POST", "/v1/channels", aChannel())).body.id;
  monitorId = (await call("POST", "/v1/monitors", aMonitor())).body.id;
});
afterAll(() => env.close());

/** A delivery of this monitor to this channel, exhausted if nothing else is said; resolves with its id. */
async function plan(over: DeliveryRow = {}): Promise<string> {
  const { status = "exhausted" } = over;
  const finishedAt = status === "pending" ? null : 0;
  const exhausted = { status, attempts: 10, lastError: "The receiver answered 500.", finishedAt };
  return addDelivery(env.sql, { channelId, monitorId, ...exhausted, data: aMonitorChange(), ...over });
}

/** The sweep runs in an hour. */
async function planNextSweep(): Promise<void> {
  await env.sql`
    insert into schedules (name, next_run_at) values ('sweep-deliveries', app_now() + interval '1 hour')
    on conflict (name) do update set next_run_at = excluded.next_run_at`;
}

const retry = (id: string) => call("POST", `/v1/deliveries/${id}/retry`);
const cancel = (id: string) => call("POST", `/v1/deliveries/${id}/cancel`);
const due = () => deliverDue(env, [channelId], new AbortController().signal);
const sentIds = () => env.http.calls.map(({ headers }) => headers?.["webhook-id"]);

describe("a delivery", () => {
  it("is shown with why it failed and with its data", async () => {
    const id = await plan();
    expect((await call("GET", `/v1/deliveries/${id}`)).body).toEqual({
      id,
      eventId: "evt_1",
      channelId,
      monitorId,
      type: "monitor.down",
      status: "exhausted",
      attempts: 10,
      nextAttemptAt: null,
      lastError: "The receiver answered 500.",
      createdAt: "2026-03-01T12:00:00.000Z",
      finishedAt: "2026-03-01T12:00:00.000Z",
      data: aMonitorChange(),
    });
  });
});

describe("an exhausted delivery that is retried", () => {
  it("is due at once, wakes its worker, and is delivered with the id it had", async () => {
    const id = await plan();
    expect(await retry(id)).toMatchObject({
      status: 200,
      body: { id, status: "pending", attempts: 10, nextAttemptAt: "2026-03-01T12:00:00.000Z", finishedAt: null },
    });
    env.http.on(() => answer(204));
    await drain(env, env.ctx());
    expect(sentIds()).toEqual([id]);
    expect((await call("GET", `/v1/deliveries/${id}`)).body).toMatchObject({ status: "delivered", attempts: 11 });
  });

  it("is found by the sweep when its wake-up is lost", async () => {
    await planNextSweep();
    await retry(await plan());
    const [schedule] = await env.sql`
      select next_run_at <= app_now() as due from schedules where name = 'sweep-deliveries'`;
    expect(schedule).toEqual({ due: true });
  });

  it("is not doubled by a repeat, whatever has become of it", async () => {
    const id = await plan();
    await retry(id);
    expect((await retry(id)).body).toMatchObject({ id, status: "pending" });
    env.http.on(() => answer(204));
    await drain(env, env.ctx());
    expect(await retry(id)).toMatchObject({ status: 200, body: { status: "delivered" } });
    await drain(env, env.ctx());
    expect(sentIds()).toEqual([id]);
  });

  it("has all its tries again, from the first wait on, and may be retried after the last", async () => {
    const id = await plan();
    env.http.on(() => answer(500));
    for (const _ of [1, 2]) {
      await retry(id);
      await due();
      const [row] = await env.sql<{ wait: number }>`
        select extract(epoch from next_attempt_at - app_now())::float8 as wait from deliveries`;
      expect(row?.wait).toBeGreaterThanOrEqual(4);
      expect(row?.wait).toBeLessThanOrEqual(6);
      for (let tries = 2; tries <= 10; tries++) {
        expect((await call("GET", `/v1/deliveries/${id}`)).body.status).toBe("pending");
        await env.clock.advance(12 * 3600);
        await due();
      }
      expect((await call("GET", `/v1/deliveries/${id}`)).body.status).toBe("exhausted");
    }
    expect(new Set(sentIds())).toEqual(new Set([id]));
    expect((await call("GET", `/v1/deliveries/${id}`)).body.attempts).toBe(30);
  });

  it("is not ended by what comes late of the try before", async () => {
    const id = await plan({ status: "pending", attempts: 9 });
    const [late] = await leaseDeliveries(env.sql, [channelId]);
    const attempt = { id, attempt: late?.attempt ?? 0 };
    await recordExhausted(env.sql, attempt, "The attempt failed.");
    await retry(id);
    expect(await recordExhausted(env.sql, attempt, "The attempt failed.")).toBeNull();
    expect(await recordDelivered(env.sql, attempt)).toBeNull();
    await recordFailed(env.sql, attempt, { error: "The attempt failed.", delayMs: 60_000 });
    expect((await call("GET", `/v1/deliveries/${id}`)).body).toMatchObject({
      status: "pending",
      nextAttemptAt: "2026-03-01T12:00:00.000Z",
    });
  });

  it("goes out before its monitor's later deliveries to the channel", async () => {
    const [later, first] = [
      await plan({ eventNumber: 8, status: "pending", attempts: 0 }),
      await plan({ eventNumber: 7 }),
    ];
    await retry(first);
    env.http.on(() => answer(204));
    await drain(env, env.ctx());
    expect(sentIds()).toEqual([first, later]);
  });

  it.each([
    ["deleted", "its channel was", async () => call("DELETE", `/v1/channels/${channelId}`)],
    ["disabled", "its channel is", async () => call("PATCH", `/v1/channels/${channelId}`, { disabled: true })],
    ["deleted", "its monitor was", async () => call("DELETE", `/v1/monitors/${monitorId}`)],
  ])("is refused when %s: %s", async (what, whose, act) => {
    const id = await plan();
    await act();
    const { status, body } = await retry(id);
    expect([status, body.code]).toEqual([409, "wrong_state"]);
    expect(body.detail.toLowerCase()).toContain(`${whose} ${what}`);
    expect((await call("POST", "/v1/deliveries/retry")).body).toEqual({ retried: 0, nextCursor: null });
    expect((await call("GET", `/v1/deliveries/${id}`)).body.status).toBe("exhausted");
  });
});

describe("all exhausted deliveries, when they are retried,", () => {
  it("are those that the filters ask for, and no others", async () => {
    const otherChannel = (await call("POST", "/v1/channels", aChannel())).body.id;
    const otherMonitor = (await call("POST", "/v1/monitors", aMonitor())).body.id;
    const [here, there, other] = [
      await plan(),
      await plan({ channelId: otherChannel }),
      await plan({ monitorId: otherMonitor }),
    ];
    const kept = [
      await plan({ eventNumber: 0, status: "delivered" }),
      await plan({ eventNumber: 3, status: "cancelled" }),
    ];
    const all = async (query: string) => (await call("POST", `/v1/deliveries/retry${query}`)).body.retried;
    const pending = async () => {
      const rows = await env.sql<{ id: string }>`select id from deliveries where status = 'pending' order by id`;
      return rows.map(({ id }) => id);
    };
    expect(await all(`?channelId=${otherChannel}`)).toBe(1);
    expect(await pending()).toEqual([there]);
    expect(await all(`?channelId=${channelId}&monitorId=${otherMonitor}`)).toBe(1);
    expect(await pending()).toEqual([there, other].sort());
    expect([await all(""), await all("")]).toEqual([1, 0]);
    expect(await pending()).toEqual([here, there, other].sort());
    expect(kept).toHaveLength(2);
  });

  it("go in bounded statements, and in the order in which they happened", async () => {
    const exhausted = { channelId, monitorId, status: "exhausted", attempts: 10, finishedAt: 0 };
    await addDeliveries(
      env.sql,
      times(1200, (n) => ({ ...exhausted, eventNumber: n })),
    );
    const first = await call("POST", "/v1/deliveries/retry");
    expect(first.body).toEqual({ retried: 500, nextCursor: expect.any(String) });
    expect(await env.sql`select max(event_number) as last from deliveries where status = 'pending'`).toEqual([
      { last: 500 },
    ]);
    // What is exhausted anew meanwhile is not of this walk.
    await env.clock.advance(1);
    await env.sql`update deliveries set status = 'exhausted', finished_at = app_now() where event_number = 1`;
    const second = await call("POST", `/v1/deliveries/retry?cursor=${first.body.nextCursor}`);
    const third = await call("POST", `/v1/deliveries/retry?cursor=${second.body.nextCursor}`);
    expect([second.body.retried, third.body]).toEqual([500, { retried: 200, nextCursor: null }]);
  });
});

describe("a delivery that waits for its next try", () => {
  it("is tried as soon as its channel has another receiver", async () => {
    const id = await plan({ status: "pending", attempts: 9 });
    await env.sql`
      update deliveries set failures = 9, attempted_at = app_now(), next_attempt_at = app_now() + interval '8 hours'`;
    await planNextSweep();
    env.http.on(() => answer(204));
    expect((await claimDueChannels(env.sql)).channelIds).toEqual([]);
    await env.clock.advance(1);
    await call("PATCH", `/v1/channels/${channelId}`, { config: { url: "https://new.example/hook" } });
    const { channelIds } = await claimDueChannels(env.sql);
    await deliverDue(env, channelIds, new AbortController().signal);
    expect(sentIds()).toEqual([id]);
    expect(env.http.calls[0]?.url).toBe("https://new.example/hook");
  });
});

describe("an exhausted delivery that a later alert has overtaken", () => {
  it("is tried again by its id, not with all", async () => {
    const down = await plan({ eventNumber: 3 });
    await plan({ eventNumber: 4, status: "delivered" });
    const next = await plan({ eventNumber: 5 });
    expect((await call("POST", "/v1/deliveries/retry")).body).toMatchObject({ retried: 1 });
    env.http.on(() => answer(204));
    await drain(env, env.ctx());
    expect(sentIds()).toEqual([next]);
    expect((await retry(down)).body.status).toBe("pending");
  });
});

describe("a delivery that is cancelled", () => {
  it.each(["pending", "exhausted"])("while it is %s is not sent, and may be cancelled again", async (status) => {
    const id = await plan({ status });
    for (const _ of [1, 2]) {
      expect(await cancel(id)).toMatchObject({
        status: 200,
        body: { status: "cancelled", lastError: "The receiver answered 500.", finishedAt: "2026-03-01T12:00:00.000Z" },
      });
    }
    await drain(env, env.ctx());
    expect(env.http.calls).toEqual([]);
  });

  it("is sent when it is retried by its id, with all its tries again", async () => {
    const id = await plan({ status: "pending", attempts: 3 });
    await cancel(id);
    expect((await call("POST", "/v1/deliveries/retry")).body.retried).toBe(0);
    expect(await retry(id)).toMatchObject({ status: 200, body: { id, status: "pending", finishedAt: null } });
    env.http.on(() => answer(500));
    await due();
    const [row] = await env.sql<{ step: number }>`select failures as step from deliveries`;
    expect([sentIds(), row?.step]).toEqual([[id], 1]);
  });

  it("by a 410 is sent once its channel is enabled again", async () => {
    const id = await plan({ status: "pending", attempts: 0 });
    env.http.on(() => answer(410));
    await due();
    expect((await retry(id)).body).toMatchObject({ status: 409, detail: expect.stringContaining("Enable it first") });
    await call("PATCH", `/v1/channels/${channelId}`, { disabled: false });
    await retry(id);
    env.http.on(() => answer(204));
    await drain(env, env.ctx());
    expect((await call("GET", `/v1/deliveries/${id}`)).body.status).toBe("delivered");
  });

  it("is not sent when its monitor was deleted", async () => {
    const id = await plan({ status: "pending" });
    await call("DELETE", `/v1/monitors/${monitorId}`);
    await cancel(id);
    expect((await retry(id)).body).toMatchObject({ status: 409, detail: expect.stringContaining("was deleted") });
  });

  it("lets the next one of its monitor go", async () => {
    const [first, next] = [
      await plan({ eventNumber: 7, status: "pending", attempts: 3 }),
      await plan({ eventNumber: 8, status: "pending", attempts: 0 }),
    ];
    await env.sql`update deliveries set next_attempt_at = app_now() + interval '1 hour' where id = ${first}`;
    await cancel(first);
    env.http.on(() => answer(204));
    await drain(env, env.ctx());
    expect(sentIds()).toEqual([next]);
  });

  it("must not be delivered already", async () => {
    const id = await plan({ status: "delivered" });
    expect((await cancel(id)).body).toMatchObject({
      status: 409,
      code: "wrong_state",
      detail: "The delivery was already delivered and cannot be cancelled.",
    });
  });
});
