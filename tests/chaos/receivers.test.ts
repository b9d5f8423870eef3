import { afterEach, beforeEach, expect, test } from "vitest";
import { type Host, startHost } from "./host.ts";
import { type Manner, manners } from "./story.ts";

let host: Host;
beforeEach(async () => {
  host = await startHost();
});
afterEach(() => host.close());

/** What the sender of a webhook gets: a status, and how its body ends. */
async function send(id: string): Promise<string> {
  const url = host.receiverUrl("r").replace("host.docker.internal", "127.0.0.1");
  const data = { monitor: { id: "mon_1" }, incident: { id: "inc_1" } };
  const body = JSON.stringify({ id, type: "monitor.down", data });
  try {
    const answer = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(300) });
    const whole = await answer.text().then(
      () => "whole",
      () => "broken",
    );
    return `${answer.status} ${whole}`;
  } catch {
    return "nothing";
  }
}

const seen: Record<Manner, string> = {
  "500": "500 whole",
  "429": "429 whole",
  silence: "nothing",
  "hang-up": "nothing",
  "2xx-then-hang": "200 broken",
  "2xx-then-cut": "200 broken",
};

test.each(manners)("A receiver told to answer with %s does so twice a webhook at most", async (manner) => {
  const end = host.receivers.misbehave("r", manner);
  expect([await send("dlv_1"), await send("dlv_1"), await send("dlv_1")]).toEqual([
    seen[manner],
    seen[manner],
    "204 whole",
  ]);
  expect(end()).toBe(2);
  expect(await send("dlv_2")).toBe("204 whole");
  const began2xx = manner.startsWith("2xx");
  const ledger = host.receivers.ledger.map((post) => [post.id, post.receiver, post.manner, post.takenAtMs !== null]);
  expect(ledger).toEqual([
    ["dlv_1", "r", manner, began2xx],
    ["dlv_1", "r", manner, began2xx],
    ["dlv_1", "r", null, true],
    ["dlv_2", "r", null, true],
  ]);
});

test("A target answers as it was turned", async () => {
  const ask = (name: string) =>
    fetch(host.targetUrl(name).replace("host.docker.internal", "127.0.0.1")).then(
      (answer) => answer.status,
      () => "nothing",
    );
  host.targets.turn("t1", "down");
  host.targets.turn("t10", "down");
  expect([await ask("t1"), await ask("t10"), await ask("t2")]).toEqual([503, "nothing", 200]);
  host.targets.turn("t1", "up");
  expect(await ask("t1")).toBe(200);
  expect(host.targets.asked()).toBe(4);
});
