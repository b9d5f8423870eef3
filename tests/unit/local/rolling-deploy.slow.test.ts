import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test, vi } from "vitest";
import { build } from "../../../build/project.mjs";
import { checksDue } from "../../../domain/checks/job.ts";
import { alertsDue, statusChanged } from "../../../domain/messaging/wake-up.ts";
import type { AnotherRelease } from "../../../testing/another-release.ts";
import { eachOf } from "../../../testing/api.ts";
import { useDist } from "../../../testing/dist.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../testing/postgres.ts";
import { type OwnRedis, ownRedisMissing, startOwnRedis } from "../../../testing/redis.ts";
import type { ServiceName } from "../../../testing/services.ts";
import { type Stillup, startStillup } from "../../../testing/stillup.ts";
import { startTargets, type Targets } from "../../../testing/targets.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../../testing/webhooks.ts";
import { makeNextRelease } from "./next-release.ts";

const missing = postgresMissing ?? ownRedisMissing;
const names = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
/** Monitors that both releases can check. */
const KNOWN = names("known", 24);
/** Monitors that only the next release can check: of its new kind, and of http with its new field. */
const ECHO = names("echo", 8);
const INVERTED = names("inverted", 8);
const NEWER = [...ECHO, ...INVERTED];
const ALL = [...KNOWN, ...NEWER];
/** A check that an old worker took is given out again after 25 s, and may come to it once more. */
const soon = { timeout: 90_000, interval: 100 };

interface Monitor {
  readonly name: string;
  readonly status: string;
  readonly lastCheckAt: string | null;
}

describe.skipIf(missing !== null)(`This release and the next, on one database and one Redis${missing ?? ""},`, () => {
  const dist = useDist();
  let release: AnotherRelease;
  let postgres: TestPostgres;
  let redis: OwnRedis;
  let client: Redis;
  let targets: Targets;
  /** What the channels of both types get: the first is this release's, the second the next one's. */
  let receivers: readonly WebhookReceiver[];
  let start: (which: "this" | "next") => Promise<Stillup>;
  let old: Stillup;
  let next: Stillup;
  /** All notifications so far, of each receiver, as the type and the monitor's name. */
  let notified: string[] = [];

  beforeAll(async () => {
    release = await makeNextRelease();
    await build({ root: release.folder });
    [postgres, redis, targets] = await Promise.all([startPostgres(), startOwnRedis(), startTargets(ALL)]);
    receivers = await Promise.all([startWebhookReceiver(), startWebhookReceiver()]);
    client = new Redis(redis.url);
    const database = await postgres.createEmptyDatabase();
    const folders = { this: dist(), next: `${release.folder}/dist` };
    start = (which) => startStillup(folders[which], database, redis.url);
    fail([]);
  }, 120_000);

  afterAll(async () => {
    await Promise.allSettled([old?.stop(), next?.stop()]);
    client?.disconnect();
    await Promise.all([targets?.close(), ...(receivers ?? []).map((receiver) => receiver.close())]);
    await Promise.all([postgres?.stop(), redis?.stop()]);
    await release?.remove();
  });

  beforeEach(() => {
    const printed = () => [old, next].flatMap((stillup) => stillup?.services.map((service) => service.printed()));
    onTestFailed(() => console.log(printed().join("\n")));
  });

  /** Lets exactly these monitors' targets fail. A target that an inverted monitor has fails by its answers. */
  const fail = (failing: readonly string[]) => {
    for (const name of ALL) {
      targets.behave([name], failing.includes(name) === INVERTED.includes(name) ? "ok" : "failing");
    }
  };
  const create = ({ api }: Stillup, some: readonly string[], fields: object) =>
    eachOf(some, (name) => {
      const times = { intervalSeconds: 5, failureThreshold: 2, recoveryThreshold: 1 };
      return api.call("POST", "/v1/monitors", { name, url: targets.urlOf(name), ...times, ...fields });
    });
  const monitorsOf = async ({ api }: Stillup, some: readonly string[]) => {
    const { items } = await api.call<{ items: Monitor[] }>("GET", "/v1/monitors?limit=100");
    return items.filter(({ name }) => some.includes(name)).sort((a, b) => a.name.localeCompare(b.name));
  };
  const untilAll = (stillup: Stillup, some: readonly string[], status: string) =>
    vi.waitFor(async () => {
      const found = (await monitorsOf(stillup, some)).map((monitor) => `${monitor.name} ${monitor.status}`);
      expect(found).toEqual([...some].sort().map((name) => `${name} ${status}`));
    }, soon);
  /** Expects of each of these one more notification by each of these channels, in the time that it takes, and no other. */
  const expectNotified = async (type: string, some: readonly string[], channels = receivers) => {
    notified = [...notified, ...some.map((name) => `${type} ${name}`)].sort();
    for (const { arrivals } of channels) {
      await vi.waitFor(
        () => expect(arrivals.map(({ type, name }) => `${type} ${name}`).sort()).toEqual(notified),
        soon,
      );
      expect(new Set(arrivals.map(({ id }) => id)).size).toBe(notified.length);
    }
  };
  const expectNoDeadLetters = async ({ api }: Stillup) => {
    expect(await api.call("GET", "/v1/dead-letters")).toMatchObject({ items: [] });
  };
  const serviceOf = ({ services }: Stillup, wanted: ServiceName) => services.find(({ name }) => name === wanted);
  /** Until a worker of this release has met a message that only the next one can read. */
  const untilMet = (worker: ServiceName, what: RegExp, publish: () => Promise<unknown> = async () => {}) =>
    vi.waitFor(async () => {
      await publish();
      expect(serviceOf(old, worker)?.printed()).toMatch(what);
    }, soon);
  const publish = (stream: string, body: object) =>
    client.xadd(`stillup:${stream}`, "*", "body", JSON.stringify({ v: 2, ...body }));
  const untilEmpty = () =>
    vi.waitFor(async () => {
      for (const stream of [statusChanged.stream, alertsDue.stream]) {
        expect(await client.xlen(`stillup:${stream}`), stream).toBe(0);
      }
      const checks = await client.xrange(`stillup:${checksDue.stream}`, "-", "+");
      expect(checks.filter(([, [, body]]) => body?.includes('"v":2'))).toEqual([]);
    }, soon);

  test("run side by side: each outage is notified once, whoever gets the messages first", {
    timeout: 600_000,
  }, async () => {
    old = await start("this");
    const [first, second] = receivers;
    const channel = { name: "Receiver", type: "webhook", config: { url: first?.url } };
    await old.api.call("POST", "/v1/channels", channel);
    await create(old, KNOWN, { type: "http" });
    await untilAll(old, KNOWN, "up");

    next = await start("next");
    await next.api.call("POST", "/v1/channels", { ...channel, type: "echo", config: { url: second?.url } });
    await create(next, ECHO, { type: "echo" });
    await create(next, INVERTED, { type: "http", inverted: true });
    await untilMet("worker-monitoring", /checks of type echo in form 1/);
    await untilMet("worker-monitoring", /checks of type http in form 2/);
    const newer = /is of form 2; this release reads/;
    await untilMet("worker-status-change", newer, () => publish(statusChanged.stream, { ids: ["mon_none"] }));
    await untilMet("worker-notification", newer, () => publish(alertsDue.stream, { ids: ["ch_none"] }));
    for (let n = 0; n < 10; n++) await publish(checksDue.stream, { jobs: [] });

    fail(ALL);
    await untilAll(next, KNOWN, "down");
    await old.stop();
    await untilAll(next, ALL, "down");
    await expectNotified("monitor.down", ALL);
    fail([]);
    await expectNotified("monitor.up", ALL);
    await untilEmpty();
    await expectNoDeadLetters(next);
  });

  test("run in the reverse order: the old one leaves alone what it does not know", { timeout: 600_000 }, async () => {
    old = await start("this");
    fail(KNOWN);
    await expectNotified("monitor.down", KNOWN);
    fail([]);
    await next.stop();

    // The old one is alone now: it gets all messages, and has one channel that it can send by.
    fail(NEWER);
    const before = await monitorsOf(old, NEWER);
    await untilMet("worker-monitoring", /checks of type (echo|http) in form/);
    await expectNotified("monitor.up", KNOWN, receivers.slice(0, 1));
    expect(await monitorsOf(old, NEWER)).toEqual(before);
    expect(before.map(({ status }) => status)).toEqual(NEWER.map(() => "up"));
    await expectNoDeadLetters(old);

    next = await start("next");
    await old.stop();
    await expectNotified("monitor.down", NEWER);
    fail([]);
    await expectNotified("monitor.up", NEWER);
    await untilAll(next, ALL, "up");
    await untilEmpty();
    await expectNoDeadLetters(next);
  });
});
