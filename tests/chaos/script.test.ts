import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { nowMs } from "../../testing/monotonic.ts";
import { type Host, startHost } from "./host.ts";
import { readStatuses } from "./monitors.ts";
import { createRandom, type Random } from "./random.ts";
import { playScript, type Watched } from "./script.ts";
import type { Turn } from "./story.ts";

let host: Host;
let api: Server;
/** What the API says of each monitor; null: it answers 503. */
let statuses: Map<string, string> | null;
let asked: number;
beforeEach(async () => {
  host = await startHost();
  statuses = new Map();
  asked = 0;
  api = createServer((_, response) => {
    asked += 1;
    const items = [...(statuses ?? [])].map(([id, status]) => ({ id, status }));
    response.writeHead(statuses === null ? 503 : 200).end(JSON.stringify({ items }));
  }).listen(0, "127.0.0.1");
  await once(api, "listening");
});
afterEach(async () => {
  vi.useRealTimers();
  await host.close();
  api.close();
  api.closeAllConnections();
  await once(api, "close");
});

/** No stay between two turns. */
const random: Random = { ...createRandom(1), between: () => 0 };
const watched: Watched[] = [{ id: "mon_1", target: "t1" }];
const port = () => (api.address() as AddressInfo).port; // it listens on TCP

function play(turns: Turn[], signal: AbortSignal): Promise<void> {
  const ask = () => readStatuses(`http://127.0.0.1:${port()}`, "key");
  return playScript({ watched, targets: host.targets, random, readStatuses: ask, turns }, signal);
}

/** The status with which a target answers. */
const target = async () => {
  const answer = await fetch(host.targetUrl("t1").replace("host.docker.internal", "127.0.0.1"));
  await answer.body?.cancel();
  return answer.status;
};
const untilAsked = (count: number) => vi.waitFor(() => expect(asked).toBeGreaterThanOrEqual(count), 20_000);

test("A target changes again only when its monitor has noticed the change, and the script waits for the last one", async () => {
  statuses = new Map([["mon_1", "up"]]);
  const turns: Turn[] = [];
  const stop = new AbortController();
  const beganMs = nowMs();
  const played = play(turns, stop.signal);
  await untilAsked(2);
  expect([await target(), turns]).toEqual([503, []]);

  statuses = null;
  await untilAsked(asked + 1);
  expect([await target(), turns]).toEqual([503, []]);

  const storedMs = nowMs();
  statuses = new Map([["mon_1", "down"]]);
  await vi.waitFor(async () => expect(await target()).toBe(200), 20_000);
  stop.abort();
  await untilAsked(asked + 1);
  expect(turns).toMatchObject([{ monitorId: "mon_1", status: "down", noticed: true }]);

  statuses = new Map([["mon_1", "up"]]);
  await played;
  expect(turns).toMatchObject([{ status: "down" }, { monitorId: "mon_1", status: "up", noticed: true }]);
  const [down, up] = turns.map(({ atMs }) => atMs);
  expect(down).toBeGreaterThanOrEqual(beganMs);
  expect(down).toBeLessThan(storedMs); // when it turned, and not when that was noticed
  expect(up).toBeGreaterThan(storedMs);
  expect(await target()).toBe(200);
});

test("A change that its monitor does not notice within five minutes is recorded as missed, and the script goes on", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "hrtime"] });
  const turns: Turn[] = [];
  const stop = new AbortController();
  const targets = { ...host.targets, turn: vi.fn(host.targets.turn) };
  const readNone = async () => new Map([["mon_1", "up"]]);
  const played = playScript({ watched, targets, random, readStatuses: readNone, turns }, stop.signal);
  await vi.advanceTimersByTimeAsync(299_000);
  expect(turns).toEqual([]);
  expect(targets.turn.mock.calls).toEqual([["t1", "down"]]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(turns).toMatchObject([{ monitorId: "mon_1", status: "down", noticed: false }]);
  stop.abort();
  await vi.advanceTimersByTimeAsync(1000);
  await played;
});
