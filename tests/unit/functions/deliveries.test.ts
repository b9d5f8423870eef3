import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type Api, api, type Json } from "../../../testing/routes.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
  call = api(env).send;
});
afterAll(() => env.close());

async function add(number: number, over: { channel?: string; monitor?: string; status?: string } = {}): Promise<void> {
  const { channel = "ch_1", monitor = "mon_1", status = "pending" } = over;
  await env.sql`
    insert into deliveries (id, event_id, channel_id, monitor_id, event_number, type, data, occurred_at, status, attempts,
      next_attempt_at, last_error, finished_at)
    values (${`dlv_${number}`}, ${`evt_${number}`}, ${channel}, ${monitor}, 1, 'monitor.down', '{"secret": 1}',
      app_now(), ${status}, 1, app_now() + interval '5 s', 'It failed.',
      case when ${status}::text = 'pending' then null else app_now() end)`;
  await env.clock.advance(1);
}

describe("a list of deliveries", () => {
  it("shows what became of each", async () => {
    await add(1);
    await add(2, { status: "exhausted" });
    const shared = {
      channelId: "ch_1",
      monitorId: "mon_1",
      type: "monitor.down",
      attempts: 1,
      lastError: "It failed.",
    };
    expect((await call("GET", "/v1/deliveries")).body.items).toEqual([
      {
        ...shared,
        id: "dlv_2",
        eventId: "evt_2",
        status: "exhausted",
        nextAttemptAt: null,
        createdAt: "2026-03-01T12:00:01.000Z",
        finishedAt: "2026-03-01T12:00:01.000Z",
      },
      {
        ...shared,
        id: "dlv_1",
        eventId: "evt_1",
        status: "pending",
        nextAttemptAt: "2026-03-01T12:00:05.000Z",
        createdAt: "2026-03-01T12:00:00.000Z",
        finishedAt: null,
      },
    ]);
  });

  it("shows only what the filters ask for", async () => {
    await add(1);
    await add(2, { channel: "ch_2" });
    await add(3, { monitor: "mon_2", status: "delivered" });
    const list = async (query: string) =>
      (await call("GET", `/v1/deliveries${query}`)).body.items.map(({ id }: Json) => id);
    expect(await list("")).toEqual(["dlv_3", "dlv_2", "dlv_1"]);
    expect(await list("?status=pending")).toEqual(["dlv_2", "dlv_1"]);
    expect(await list("?channelId=ch_1")).toEqual(["dlv_3", "dlv_1"]);
    expect(await list("?monitorId=mon_2")).toEqual(["dlv_3"]);
    expect(await list("?channelId=ch_1&monitorId=mon_1&status=pending")).toEqual(["dlv_1"]);
    expect(await list("?channelId=ch_2&monitorId=mon_2")).toEqual([]);
  });
});
