import { expect, test } from "vitest";
import { alertsDue } from "../../../domain/messaging/wake-up.ts";
import createMonitor from "../../../functions/api/create-monitor.ts";
import enqueueChecks from "../../../functions/schedules/enqueue-checks.ts";
import * as statusChange from "../../../functions/workers/status-change.ts";
import { aMessage, aMonitor, aPendingDown } from "../../../testing/factories.ts";
import { addChannel, addMonitor } from "../../../testing/rows.ts";
import { testEnv } from "../../../testing/test-env.ts";

test("a route: a new monitor is pending", async () => {
  const env = await testEnv();
  const response = await env.call(createMonitor, env.request("POST", "/v1/monitors", aMonitor()));
  expect(response.status).toBe(201);
  expect(await response.json()).toMatchObject({ name: "Shop", status: "pending" });
});

test("a worker: a monitor that goes down wakes the channels that are notified", async () => {
  const env = await testEnv();
  const channel = await addChannel(env.sql);
  const monitor = await addMonitor(env.sql, aPendingDown());
  const { acked, published } = await env.consume(statusChange, [aMessage({ ids: [monitor] }, { id: "1-0" })]);
  expect(acked).toEqual(["1-0"]);
  expect(published).toEqual(alertsDue.messages([channel]));
});

test("a schedule: a check that is due is enqueued once", async () => {
  const env = await testEnv();
  await addMonitor(env.sql);
  expect((await env.run(enqueueChecks)).published).toHaveLength(1);
  expect((await env.run(enqueueChecks)).published).toEqual([]);
});
