import { beforeEach, describe, expect, it } from "vitest";
import { limitsOf } from "../../../runtime/limits.ts";
import { aMonitor } from "../../../testing/factories.ts";
import { type Api, api } from "../../../testing/routes.ts";
import { testEnv } from "../../../testing/test-env.ts";

/** Works for 20 of each 60 s. */
const limits = limitsOf("fetch", 20);

describe("On a host whose clock leaves gaps", () => {
  let there: Api;
  beforeEach(async () => {
    there = api(await testEnv({ config: { limits } }));
  });

  it("a monitor that could not be checked in time is refused, with the reason", async () => {
    const { status, body } = await there.send("POST", "/v1/monitors", aMonitor({ intervalSeconds: 59 }));
    expect([status, body.errors[0].field]).toEqual([400, "intervalSeconds"]);
    expect(body.detail).toMatch(/must be at least 60 on this host: its clock ticks once a minute, and WORK_SECONDS/);
    expect((await there.send("POST", "/v1/monitors", aMonitor({ intervalSeconds: 60 }))).status).toBe(201);
  });

  it("a change to such an interval is refused, and one of something else is not", async () => {
    const { body } = await there.send("POST", "/v1/monitors", aMonitor());
    expect((await there.send("PATCH", `/v1/monitors/${body.id}`, { intervalSeconds: 30 })).status).toBe(400);
    expect((await there.send("PATCH", `/v1/monitors/${body.id}`, { name: "Shop 2" })).status).toBe(200);
  });

  it("/healthz lists what it cannot do, and what it does slowly", async () => {
    const { body } = await there.sendRequest(new Request("http://stillup.test/healthz"));
    expect(body.limits).toMatchObject({ host: "fetch", minIntervalSeconds: 60, alertWithinSeconds: 45 });
    expect(body.limits.limitations.join(" ")).toMatch(
      /NETWORK_POLICY applies only to addresses that are written in a URL/,
    );
  });
});

it("Where one tick hands over to the next, any interval will do", async () => {
  const there = api(await testEnv({ config: { limits: limitsOf("lambda", 60) } }));
  expect((await there.send("POST", "/v1/monitors", aMonitor({ intervalSeconds: 5 }))).status).toBe(201);
});
