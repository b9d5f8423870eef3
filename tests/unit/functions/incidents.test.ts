import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { applyResults } from "../../../domain/checks/apply-results.ts";
import { claimDueChecks } from "../../../domain/checks/claim-due-checks.ts";
import { handleStatusChanges } from "../../../domain/incidents/handle-status-changes.ts";
import { aChannel, aMonitor, aResult } from "../../../testing/factories.ts";
import { type Api, api, type Json } from "../../../testing/routes.ts";
import { makeDue, makeSchedulesDue } from "../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
  call = api(env).send;
});
afterAll(() => env.close());

async function add(): Promise<string> {
  const { body } = await call("POST", "/v1/monitors", aMonitor({ failureThreshold: 1, recoveryThreshold: 1 }));
  return body.id;
}

/** One check of the monitor, 10 s after the one before, decided but not yet notified. */
async function check(id: string, ok: boolean): Promise<void> {
  await env.clock.advance(10);
  await makeDue(env.sql, [id]);
  await makeSchedulesDue(env.sql);
  const { jobs } = await claimDueChecks(env.sql);
  const job = jobs.find(({ monitorId }) => monitorId === id);
  if (job === undefined) throw new Error("the monitor was not given out");
  const failed = { outcome: "status", statusCode: 503, detail: "Answered 503; expected 200-299." };
  await applyResults(env.sql, [aResult(job, ok ? {} : failed)]);
}

/** The monitor's incident, handled as the worker does. */
async function goDown(id: string): Promise<Json> {
  await check(id, false);
  await handleStatusChanges(env.sql, [id]);
  return (await call("GET", `/v1/incidents?monitorId=${id}`)).body.items[0];
}

async function notified(): Promise<unknown[]> {
  const rows = await env.sql<{ type: string; resolution: string | null }>`
    select type, data->'incident'->>'resolution' as resolution from deliveries order by event_number`;
  return rows.map(({ type, resolution }) => [type, resolution]);
}

describe("an incident", () => {
  it("shows when it began and why, and when it was over", async () => {
    const id = await add();
    const incident = await goDown(id);
    expect(incident).toEqual({
      id: expect.stringMatching(/^inc_/),
      monitorId: id,
      status: "open",
      startedAt: "2026-03-01T12:00:10.000Z",
      confirmedAt: "2026-03-01T12:00:10.000Z",
      acknowledgedAt: null,
      resolvedAt: null,
      resolution: null,
      cause: { outcome: "status", statusCode: 503, detail: "Answered 503; expected 200-299." },
    });
    await check(id, true);
    await handleStatusChanges(env.sql, [id]);
    const over = { status: "resolved", resolvedAt: "2026-03-01T12:00:20.000Z", resolution: "recovered" };
    expect((await call("GET", `/v1/incidents/${incident.id}`)).body).toEqual({ ...incident, ...over });
  });

  it("may be acknowledged, again and again, until it is over", async () => {
    const id = await add();
    const incident = await goDown(id);
    await env.clock.advance(5);
    const { status, body } = await call("POST", `/v1/incidents/${incident.id}/acknowledge`);
    expect([status, body]).toEqual([
      200,
      { ...incident, status: "acknowledged", acknowledgedAt: "2026-03-01T12:00:15.000Z" },
    ]);
    await env.clock.advance(5);
    expect((await call("POST", `/v1/incidents/${incident.id}/acknowledge`)).body).toEqual(body);
    await check(id, true);
    await handleStatusChanges(env.sql, [id]);
    const after = (await call("POST", `/v1/incidents/${incident.id}/acknowledge`)).body;
    expect(after).toMatchObject({ status: "resolved", acknowledgedAt: "2026-03-01T12:00:15.000Z" });
  });

  it("is not acknowledged once it is over", async () => {
    const id = await add();
    const incident = await goDown(id);
    await call("POST", `/v1/incidents/${incident.id}/resolve`);
    const { status, body } = await call("POST", `/v1/incidents/${incident.id}/acknowledge`);
    expect([status, body.acknowledgedAt]).toEqual([200, null]);
  });
});

describe("an incident resolved by hand", () => {
  it("says so, and may be resolved again", async () => {
    const id = await add();
    const incident = await goDown(id);
    await env.clock.advance(5);
    const { status, body } = await call("POST", `/v1/incidents/${incident.id}/resolve`);
    const over = { status: "resolved", resolvedAt: "2026-03-01T12:00:15.000Z", resolution: "manual" };
    expect([status, body]).toEqual([200, { ...incident, ...over }]);
    await env.clock.advance(5);
    expect((await call("POST", `/v1/incidents/${incident.id}/resolve`)).body).toEqual(body);
  });

  it("is the last one until the monitor is up again, which is notified", async () => {
    await call("POST", "/v1/channels", aChannel());
    const id = await add();
    const incident = await goDown(id);
    await call("POST", `/v1/incidents/${incident.id}/resolve`);
    await goDown(id);
    expect((await call("GET", "/v1/incidents")).body.items).toHaveLength(1);
    await check(id, true);
    await handleStatusChanges(env.sql, [id]);
    expect(await notified()).toEqual([
      ["monitor.down", null],
      ["monitor.up", "manual"],
    ]);
    await goDown(id);
    expect((await call("GET", "/v1/incidents")).body.items).toHaveLength(2);
  });

  it("handles its monitor's pending events first, and sends a wake-up for them", async () => {
    const { body: channel } = await call("POST", "/v1/channels", aChannel());
    const id = await add();
    const incident = await goDown(id);
    await check(id, true);
    const publish = vi.spyOn(env.stream, "publish");
    const { body } = await call("POST", `/v1/incidents/${incident.id}/resolve`);
    expect(body).toMatchObject({ status: "resolved", resolution: "recovered", resolvedAt: "2026-03-01T12:00:20.000Z" });
    expect(publish.mock.calls).toEqual([[[{ stream: "alerts.due", body: `{"v":1,"ids":["${channel.id}"]}` }]]]);
    expect(await notified()).toEqual([
      ["monitor.down", null],
      ["monitor.up", "recovered"],
    ]);
  });

  it("leaves a newer incident of its monitor open", async () => {
    const id = await add();
    const first = await goDown(id);
    await check(id, true);
    const second = await goDown(id);
    expect((await call("POST", `/v1/incidents/${first.id}/resolve`)).body).toMatchObject({ resolution: "recovered" });
    expect((await call("GET", `/v1/incidents/${second.id}`)).body).toMatchObject({ status: "open" });
  });
});

describe("a monitor that is paused or deleted while it is down", () => {
  it.each([
    ["POST", "/pause", "paused"],
    ["DELETE", "", "deleted"],
  ])("takes its incident with it, without an alert: %s %s", async (method, end, resolution) => {
    await call("POST", "/v1/channels", aChannel());
    const id = await add();
    const incident = await goDown(id);
    await env.clock.advance(5);
    await call(method, `/v1/monitors/${id}${end}`);
    const over = { status: "resolved", resolvedAt: "2026-03-01T12:00:15.000Z", resolution };
    expect((await call("GET", `/v1/incidents/${incident.id}`)).body).toEqual({ ...incident, ...over });
    await handleStatusChanges(env.sql, [id]);
    expect(await notified()).toEqual([["monitor.down", null]]);
  });

  it("cancels its pending deliveries, because its recovery will never be notified", async () => {
    await call("POST", "/v1/channels", aChannel());
    const id = await add();
    await goDown(id);
    await env.sql`update deliveries set attempts = 3`;
    await call("POST", `/v1/monitors/${id}/pause`);
    expect((await call("GET", "/v1/deliveries")).body.items).toMatchObject([{ status: "cancelled" }]);
  });

  it("still notifies an incident that was over before the pause", async () => {
    await call("POST", "/v1/channels", aChannel());
    const id = await add();
    await goDown(id);
    await check(id, true);
    await handleStatusChanges(env.sql, [id]);
    await call("POST", `/v1/monitors/${id}/pause`);
    expect((await call("GET", "/v1/deliveries")).body.items).toMatchObject([
      { type: "monitor.up", status: "pending" },
      { type: "monitor.down", status: "pending" },
    ]);
  });

  it("keeps a resolution by hand", async () => {
    const id = await add();
    const incident = await goDown(id);
    const { body } = await call("POST", `/v1/incidents/${incident.id}/resolve`);
    await env.clock.advance(5);
    await call("POST", `/v1/monitors/${id}/pause`);
    expect((await call("GET", `/v1/incidents/${incident.id}`)).body).toEqual(body);
  });

  it("opens a new incident when it is resumed and down still", async () => {
    const id = await add();
    const first = await goDown(id);
    await call("POST", `/v1/monitors/${id}/pause`);
    await call("POST", `/v1/monitors/${id}/resume`);
    const second = await goDown(id);
    expect(second.id).not.toBe(first.id);
    expect(second).toMatchObject({ status: "open" });
  });
});

describe("a list of incidents", () => {
  it("shows the newest first, and of those only what the filters ask for", async () => {
    const [open, acknowledged, resolved] = [await add(), await add(), await add()];
    const opened = await goDown(open);
    const seen = await goDown(acknowledged);
    const over = await goDown(resolved);
    await call("POST", `/v1/incidents/${seen.id}/acknowledge`);
    await call("POST", `/v1/incidents/${over.id}/resolve`);
    const list = async (query: string) =>
      (await call("GET", `/v1/incidents${query}`)).body.items.map(({ id }: Json) => id);
    expect(await list("")).toEqual([over.id, seen.id, opened.id]);
    expect(await list("?status=open")).toEqual([seen.id, opened.id]);
    expect(await list("?status=acknowledged")).toEqual([seen.id]);
    expect(await list("?status=resolved")).toEqual([over.id]);
    expect(await list(`?monitorId=${open}`)).toEqual([opened.id]);
    expect(await list(`?monitorId=${open}&status=resolved`)).toEqual([]);
    expect(await list("?monitorId=mon_nothing")).toEqual([]);
  });
});
