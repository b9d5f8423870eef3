import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { eachOf } from "../../../testing/api.ts";
import { useDist } from "../../../testing/dist.ts";
import { serveHttp, type TestServer } from "../../../testing/http-servers.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../testing/postgres.ts";
import { type OwnRedis, ownRedisMissing, startOwnRedis } from "../../../testing/redis.ts";
import { type Stillup, startStillup } from "../../../testing/stillup.ts";

const missing = postgresMissing ?? ownRedisMissing;
const names = Array.from({ length: 50 }, (_, index) => `target-${index}`);

describe.skipIf(missing !== null)(`Stillup in four processes${missing === null ? "" : `: ${missing}`}`, () => {
  const dist = useDist();
  let postgres: TestPostgres;
  let redis: OwnRedis;
  let world: TestServer;
  let receiver: TestServer;
  let stillup: Stillup;
  /** Nothing of the world can be reached. */
  let isCut = false;
  const dead = new Set<string>();
  const notified: { type: string; data: object }[] = [];
  let pings = 0;

  beforeAll(async () => {
    world = await serveHttp((request, response) => {
      const name = request.url?.slice(1) ?? "";
      if (name === "pingWatchdog") pings += 1;
      if (isCut || dead.has(name)) request.socket.destroy();
      else response.writeHead(200).end();
    });
    receiver = await serveHttp(async (request, response) => {
      let text = "";
      for await (const part of request) text += String(part);
      notified.push(JSON.parse(text));
      response.writeHead(204).end();
    });
    [postgres, redis] = await Promise.all([startPostgres(), startOwnRedis()]);
    stillup = await startStillup(dist(), await postgres.createEmptyDatabase(), redis.url, {
      CONNECTIVITY_TARGETS: `${world.url}/control-a,${world.url}/control-b`,
      WATCHDOG_URL: `${world.url}/pingWatchdog`,
    });
    const channel = { name: "all", type: "webhook", systemAlerts: true, config: { url: receiver.url } };
    await stillup.api.call("POST", "/v1/channels", channel);
    const common = { type: "http", intervalSeconds: 5, failureThreshold: 1, recoveryThreshold: 1 };
    await eachOf(names, (name) =>
      stillup.api.call("POST", "/v1/monitors", { ...common, name, url: `${world.url}/${name}` }),
    );
  }, 120_000);
  afterAll(async () => {
    await stillup?.stop();
    await Promise.all([postgres?.stop(), redis?.stop(), world?.close(), receiver?.close()]);
  });

  const until = (assertion: () => void | Promise<void>) => vi.waitFor(assertion, { timeout: 60_000, interval: 100 });
  const untilAll = (status: string) =>
    until(async () => {
      const { items } = await stillup.api.call<{ items: unknown[] }>("GET", `/v1/monitors?limit=200&status=${status}`);
      expect(items).toHaveLength(names.length);
    });
  const types = () => notified.map(({ type }) => type);

  test("is offline, and notifies no monitor as down, while its network is cut", { timeout: 200_000 }, async () => {
    await untilAll("up");
    isCut = true;
    await untilAll("unknown");
    isCut = false;
    await untilAll("up");
    expect(types()).toEqual(["system.offline", "system.online"]);
    const [offline, online] = notified;
    expect(online?.data).toEqual({ ...offline?.data, until: expect.any(String) });
    dead.add("target-7");
    await until(() => expect(types()).toEqual(["system.offline", "system.online", "monitor.down"]));
  });

  test("calls its watchdog", { timeout: 90_000 }, async () => {
    await until(() => expect(pings).toBeGreaterThan(0));
  });
});
