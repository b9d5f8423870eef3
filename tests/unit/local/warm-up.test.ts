import { expect, test } from "vitest";
import { createWarmUp } from "../../../local/warm-up.ts";

function make(answer: () => Promise<unknown> = async () => {}) {
  let nowMs = 0;
  let asked = 0;
  const ask = () => {
    asked += 1;
    return answer();
  };
  const warmUp = createWarmUp(ask, () => nowMs);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { warmUp, asked: () => asked, pass };
}

test("a connection that was never used is opened", () => {
  const { warmUp, asked } = make();
  warmUp.begin();
  expect(asked()).toBe(1);
});

test("one that was in use a moment ago is not asked for anything", () => {
  const { warmUp, asked, pass } = make();
  warmUp.used();
  pass(3499);
  warmUp.begin();
  expect(asked()).toBe(0);
});

test("one that has been idle is opened once, however often it is announced", () => {
  const { warmUp, asked, pass } = make();
  warmUp.used();
  pass(3500);
  warmUp.begin();
  warmUp.begin();
  expect(asked()).toBe(1);
});

test("a failure is left to the next caller", async () => {
  const { warmUp, asked } = make(() => Promise.reject(new Error("away")));
  warmUp.begin();
  await new Promise(setImmediate); // an pending_events rejection would fail the test
  expect(asked()).toBe(1);
});
