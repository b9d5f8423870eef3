import { expect, test } from "vitest";
import { alertsDue } from "../../../domain/messaging/wake-up.ts";
import createMonitor from "../../../functions/api/create-monitor.ts";
import enqueueChecks from "../../../functions/schedules/enqueue-checks.ts";
import * as statusChange from "../../../functions/workers/status-change.ts";
import { aMessage, aMonitor, aPendingDown } from "../../../testing/factories.ts";
import { addChannel, addMonitor } from "../../../testing/rows.ts";
import { testEnv } from "../../../testing/test-env.ts";

// The examples of the README and of testEnv(): a route, a worker and a schedule.

test("a new monitor is pending", async () => {
  const env = await testEnv();
  const response = await env.call(createMonitor, env.request("POST", "/v1/monitors", aMonitor()));
  expect(response.status).toBe(201);
  expect(await response.json()).toMatchObject({ name: "Shop", status: "pending" });
});

test("a monitor that goes down notifies every default channel", async () => {
  const env = await testEnv();
  const channel = await addChannel(env.sql);
  const monitor = await addMonitor(env.sql, aPendingDown());
  const { published } = await env.consume(statusChange, [aMessage({ ids: [monitor] })]);
  expect(published).toEqual(alertsDue.messages([channel]));
});

test("a monitor that is due is enqueued once", async () => {
  const env = await testEnv();
  await addMonitor(env.sql);
  expect((await env.run(enqueueChecks)).published).toHaveLength(1);
  expect((await env.run(enqueueChecks)).published).toEqual([]);
});
