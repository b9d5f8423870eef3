import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { build } from "../../build/project.mjs";
import { type ApiClient, eachOf } from "../../testing/api.ts";
import { startTargets, type Targets, type Turn } from "../../testing/targets.ts";
import { type Arrival, startWebhookReceiver, type WebhookReceiver } from "../../testing/webhooks.ts";

/** A Stillup that runs and watches nothing yet. */
export interface Running {
  readonly api: ApiClient;
  /** Ways in which the streams lose what is in them, by name; each resolves with how many entries there were to lose. */
  readonly losses?: Readonly<Record<Loss, () => Promise<number>>>;
  stop(): Promise<void>;
}

type Loss = "everything is flushed" | "everything is trimmed" | "the server crashes";

export interface LoadOptions {
  readonly intervalSeconds: number;
  /** `dist` is what build.mjs wrote. */
  start(dist: string): Promise<Running>;
  /** Whether what it starts has `losses`: streams elsewhere cannot lose anything without Stillup itself. */
  readonly losesStreams?: boolean;
  /** Why it cannot be run here. */
  readonly skip?: string | null;
}

const TIMEOUT_MS = 4000;
const WAIT_MS = 120_000;
const TEST_MS = 400_000;

const names = Array.from({ length: 500 }, (_, index) => `target-${index}`);

/** What Stillup keeps with 500 monitors, however it is run. The tests go on from one another: all begin with all up. */
export function loadSuite(name: string, options: LoadOptions): void {
  const { intervalSeconds, start, losesStreams = false, skip = null } = options;
  describe.skipIf(skip !== null)(`500 monitors ${name}${skip === null ? "" : ` (skipped: ${skip})`}`, () => {
    const closers: (() => Promise<void>)[] = [];
    let api: ApiClient;
    let running: Running;
    let targets: Targets;
    let receiver: WebhookReceiver;

    beforeAll(async () => {
      targets = await startTargets(names);
      closers.push(targets.close);
      receiver = await startWebhookReceiver();
      closers.push(receiver.close);
      const dist = await buildForTest();
      closers.push(() => rm(dist, { recursive: true }));
      running = await start(dist);
      closers.push(running.stop);
      api = running.api;
      await watchAll();
    }, TEST_MS);
    afterAll(async () => {
      for (const close of closers.reverse()) await close();
    });

    const watchAll = async () => {
      await api.call("POST", "/v1/channels", { name: "all", type: "webhook", config: { url: receiver.url } });
      const common = {
        type: "http",
        intervalSeconds,
        timeoutMs: TIMEOUT_MS,
        failureThreshold: 1,
        recoveryThreshold: 1,
      };
      await eachOf(names, (name) => api.call("POST", "/v1/monitors", { ...common, name, url: targets.urlOf(name) }));
      await until(async () => expect(await listed("/v1/monitors?status=pending")).toEqual([]));
    };

    const listed = async (path: string) => (await api.call<{ items: unknown[] }>("GET", path)).items;

    const until = (assertion: () => void | Promise<void>) => vi.waitFor(assertion, { timeout: WAIT_MS, interval: 100 });

    const untilArrived = (count: number) => until(() => expect(receiver.arrivals.length).toBeGreaterThanOrEqual(count));

    /** Resolves when each target has had this many more requests. */
    const untilChecked = async (times: number) => {
      const wanted = new Map(names.map((name) => [name, targets.requestsTo(name) + times]));
      const late = () => names.filter((name) => targets.requestsTo(name) < (wanted.get(name) ?? 0));
      await until(() => expect(late()).toEqual([]));
    };

    it("notifies each of 500 outages once, and each of 500 recoveries once", { timeout: TEST_MS }, async () => {
      targets.behave(names, "failing");
      await untilArrived(500);
      await untilChecked(1);
      expect(notNotifiedOnce(receiver.arrivals, "monitor.down")).toEqual([]);
      expect(receiver.arrivals).toHaveLength(500);

      targets.behave(names, "ok");
      await untilArrived(1000);
      await untilChecked(2);
      expect(notNotifiedOnce(receiver.arrivals, "monitor.up")).toEqual([]);
      expect(receiver.arrivals).toHaveLength(1000);
      expect(new Set(receiver.arrivals.map(({ id }) => id)).size).toBe(1000);
      expect(await listed("/v1/deliveries?status=pending")).toEqual([]);
      expect(await listed("/v1/incidents?status=open")).toEqual([]);
    });

    if (losesStreams) {
      /** Again where there was nothing to be lost just then. */
      const lose = async (loss: Loss) => {
        const act = running.losses?.[loss];
        if (act === undefined) throw new Error(`What was started has no way to lose its streams: ${loss}.`);
        await until(async () => expect(await act()).toBeGreaterThan(0));
      };

      it("notifies each of them once although the streams lose what they hold", { timeout: TEST_MS }, async () => {
        const before = receiver.arrivals.length;
        targets.behave(names, "failing");
        await untilArrived(before + 100);
        await lose("everything is flushed");
        await untilArrived(before + 250);
        await lose("everything is trimmed");
        await untilArrived(before + 500);
        await untilChecked(1);
        expect(notNotifiedOnce(receiver.arrivals.slice(before), "monitor.down")).toEqual([]);

        targets.behave(names, "ok");
        await untilArrived(before + 600);
        await lose("the server crashes");
        await untilArrived(before + 1000);
        await untilChecked(1);
        expect(notNotifiedOnce(receiver.arrivals.slice(before), "monitor.up")).toEqual([]);
        expect(receiver.arrivals).toHaveLength(before + 1000);
        expect(await listed("/v1/deliveries?status=pending")).toEqual([]);
        expect(await listed("/v1/incidents?status=open")).toEqual([]);
      });
    }

    it("notifies about the others as quickly while 50 targets hang", { timeout: TEST_MS }, async () => {
      const hanging = names.slice(0, 50);
      const beside = names.slice(50);
      const turnsBefore = targets.turns.length;
      const arrivalsBefore = receiver.arrivals.length;
      targets.behave(hanging, "hanging");
      targets.behave(beside, "failing");
      await untilArrived(arrivalsBefore + names.length);

      const arrivals = new Map(receiver.arrivals.slice(arrivalsBefore).map(({ name, atMs }) => [name, atMs]));
      const arrivalOf = ({ name }: Turn) => arrivals.get(name) ?? Number.NaN;
      const turnsOf = (some: readonly string[]) =>
        targets.turns.slice(turnsBefore).filter(({ name }) => some.includes(name));

      // What fails while another hangs, and well before that one's time is over, is told before it.
      const pairs = turnsOf(hanging).flatMap((hung) =>
        turnsOf(beside)
          .filter((turn) => turn.atMs > hung.atMs && turn.atMs < hung.atMs + TIMEOUT_MS / 2)
          .map((turn) => ({ turn, hung })),
      );
      expect(pairs.length).toBeGreaterThan(hanging.length);
      const heldUp = pairs.filter(({ turn, hung }) => !(arrivalOf(turn) < arrivalOf(hung)));
      expect(new Set(heldUp.map(({ turn }) => turn.name))).toEqual(new Set());
    });
  });
}

/** A build of its own, so that no other one takes its files away. Within the project, where its packages are found. */
async function buildForTest(): Promise<string> {
  const cache = join(import.meta.dirname, "../../node_modules/.cache/stillup");
  await mkdir(cache, { recursive: true });
  const outDir = await mkdtemp(join(cache, "dist-"));
  await build({ outDir });
  return outDir;
}

function notNotifiedOnce(arrivals: readonly Arrival[], type: string): string[] {
  const notified = arrivals.filter((arrival) => arrival.type === type).map(({ name }) => name);
  return names.filter((name) => notified.indexOf(name) < 0 || notified.indexOf(name) !== notified.lastIndexOf(name));
}
