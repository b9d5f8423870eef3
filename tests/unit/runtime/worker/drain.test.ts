import { beforeEach, expect, test } from "vitest";
import { createBackground } from "../../../../runtime/worker/background.ts";
import { drain, type Part, whatIsLeft } from "../../../../runtime/worker/drain.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

let env: TestEnv;
let order: string[];

beforeEach(async () => {
  env = await testEnv();
  order = [];
});

function part(name: string, stop: () => Promise<void> = async () => {}, left: string | null = null): Part {
  return {
    name,
    left: () => left,
    async stop() {
      order.push(`${name} begins`);
      await stop();
      order.push(`${name} ends`);
    },
  };
}

test("Stages are stopped one after the other, the parts of one side by side", async () => {
  const inTime = await drain([[part("worker"), part("clock")], [part("connections")]], { seconds: 5, log: env.log });
  expect(inTime).toBe(true);
  expect(order).toEqual([
    "worker begins",
    "clock begins",
    "worker ends",
    "clock ends",
    "connections begins",
    "connections ends",
  ]);
});

test("A part that fails to stop is logged and keeps no other from stopping", async () => {
  const broken = part("broken", () => Promise.reject(new Error("stuck")));
  expect(await drain([[broken], [part("connections")]], { seconds: 5, log: env.log })).toBe(true);
  expect(order).toContain("connections ends");
  expect(env.logged).toMatchObject([
    { level: "ERROR", message: "Stopping broken failed.", fields: { error: "stuck" } },
  ]);
});

test("A part that does not stop in time is given up and logged", async () => {
  const stuck = part("the worker test", () => new Promise(() => {}), "3 calls");
  const stages = [[stuck, part("clock")], [part("connections")]];
  expect(await drain(stages, { seconds: 0.05, log: env.log })).toBe(false);
  expect(whatIsLeft(stages)).toEqual(["the worker test: 3 calls"]);
  expect(order).not.toContain("connections begins");
});

test("Work in the background is waited for, with the work that it starts, and a failure is logged", async () => {
  const background = createBackground(env.log);
  let end = () => {};
  const first = new Promise<void>((resolve) => {
    end = resolve;
  });
  background.waitUntil(first.then(() => background.waitUntil(Promise.reject(new Error("failed later")))));
  expect(background.size()).toBe(1);
  let idle = false;
  const waiting = background.idle().then(() => {
    idle = true;
  });
  await new Promise(setImmediate);
  expect(idle).toBe(false);
  end();
  await waiting;
  expect(background.size()).toBe(0);
  expect(env.logged).toMatchObject([{ level: "ERROR", fields: { error: "failed later" } }]);
});
