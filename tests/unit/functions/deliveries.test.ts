import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type Api, api, type Json } from "../../../testing/routes.ts";
import { addDelivery, type DeliveryRow } from "../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../testing/test-env.ts";

let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
  call = api(env).send;
});
afterAll(() => env.close());

async function add(number: number, over: DeliveryRow = {}): Promise<void> {
  const { status = "pending" } = over;
  await addDelivery(env.sql, {
    id: `dlv_${number}`,
    eventId: `evt_${number}`,
    attempts: 1,
    nextAttemptAt: 5,
    lastError: "It failed.",
    finishedAt: status === "pending" ? null : 0,
    ...over,
  });
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
    await add(2, { channelId: "ch_2" });
    await add(3, { monitorId: "mon_2", status: "delivered" });
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
