import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test, vi } from "vitest";
import { DEVELOPMENT_API_KEY } from "../../runtime/config/config.ts";
import { type ApiClient, apiClient, eachOf } from "../../testing/api.ts";
import { createStack, engineMissing, type Host, type Stack, startHost } from "./stack.ts";

const SERVICES = ["api", "worker-monitoring", "worker-notification", "worker-status-change"];
const MONITORS = 30;
const soon = { timeout: 100_000, interval: 200 };
/** A disk that is full is noticed with the page that a table has no room for, and all checks are given out again after. */
const patience = 300_000;

describe.skipIf(engineMissing !== null)(`A stack without free space${engineMissing ?? ""}`, () => {
  let folder: string;
  let stack: Stack;
  let host: Host;
  let api: ApiClient;
  let lives: string[];
  const monitors: string[] = [];
  let notified: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stillup-faults-"));
    await writeFile(join(folder, ".env"), "");
    host = await startHost();
    stack = await createStack("stillup-faults-test", join(folder, ".env"), {
      files: ["docker-compose.yml", "tests/compose/small-disk.yml"],
      image: "stillup-faults-test",
    });
    api = apiClient(stack.apiUrl, DEVELOPMENT_API_KEY);
    await stack.compose("up", "--detach", "--build");
    await untilReady();
    await api.call("POST", "/v1/channels", { name: "Host", type: "webhook", config: { url: `${host.url}/webhook` } });
    const monitor = { type: "http", url: `${host.url}/target`, failureThreshold: 1, recoveryThreshold: 1 };
    const times = { intervalSeconds: 10, timeoutMs: 9000 };
    await eachOf(
      Array.from({ length: MONITORS }, (_, n) => `Target ${n}`),
      async (name) => {
        monitors.push((await api.call<{ id: string }>("POST", "/v1/monitors", { ...monitor, ...times, name })).id);
      },
    );
    await vi.waitFor(async () => {
      expect((await api.call<{ items: [] }>("GET", `/v1/monitors?status=up&limit=${MONITORS}`)).items).toHaveLength(
        MONITORS,
      );
    }, soon);
    lives = await livesOf();
  });

  afterAll(async () => {
    await stack?.remove();
    await stack?.docker("image", "rm", "--force", "stillup-faults-test");
    await host?.close();
    await rm(folder, { recursive: true });
  });

  beforeEach(() => {
    onTestFailed(async () => console.log(await stack.compose("logs", "--no-color", "--timestamps", "--tail", "50")));
  });

  /** What `/readyz` answers: of the API from outside, of a worker from within its container. */
  const readiness = async (service: string): Promise<string> => {
    // While a container starts, Docker may take a connection that nobody answers.
    if (service === "api") return (await fetch(`${stack.apiUrl}/readyz`, { signal: AbortSignal.timeout(5000) })).text();
    const ask = "fetch('http://127.0.0.1:9090/readyz').then((answer) => answer.text()).then(console.log)";
    return stack.compose("exec", "--no-TTY", service, "node", "-e", ask);
  };
  const untilAllSay = (words: string) =>
    vi.waitFor(async () => {
      for (const service of SERVICES) expect(await readiness(service), service).toContain(words);
    }, soon);
  const untilReady = () => untilAllSay('"status":"ready"');
  const redis = async (...command: string[]) =>
    (await stack.compose("exec", "--no-TTY", "redis", "redis-cli", ...command)).trim();
  const logsOf = (service: string) => stack.compose("logs", "--no-color", "--no-log-prefix", service);
  /** Stillup's own containers are to go on without a restart. */
  const livesOf = async () =>
    (await stack.containers())
      .filter(({ service }) => SERVICES.includes(service))
      .map(({ id, startedAt }) => `${id} ${startedAt}`);
  const expectEachNotified = async (type: "monitor.down" | "monitor.up") => {
    const expected = [...notified, ...monitors.map((id) => `${type} ${id}`)].sort();
    await vi.waitFor(() => expect(host.received.length).toBeGreaterThanOrEqual(expected.length), soon);
    expect([...new Set(host.received.map(({ id }) => id))]).toHaveLength(expected.length);
    expect(host.received.map((webhook) => `${webhook.type} ${webhook.monitorId}`).sort()).toEqual(expected);
    notified = expected;
  };

  test("on Postgres' disk says so, acks nothing that is not stored, and goes on when there is space", {
    timeout: patience,
  }, async () => {
    await stack.compose("exec", "--no-TTY", "disk", "sh", "-c", "cat /dev/zero >/disk/ballast || true");
    await untilAllSay("takes no writes");
    await vi.waitFor(async () => expect(await logsOf("worker-monitoring")).toContain("No space left on device"), soon);
    const before = host.checks();
    host.up = false;
    await vi.waitFor(() => expect(host.checks()).toBeGreaterThan(before + MONITORS), soon);
    expect(Number((await redis("XPENDING", "stillup:checks.due", "monitoring")).split("\n")[0])).toBeGreaterThan(0);
    expect(await readiness("api")).toContain("takes no writes");

    await stack.compose("exec", "--no-TTY", "disk", "rm", "/disk/ballast");
    await untilReady();
    await expectEachNotified("monitor.down");
    host.up = true;
    await expectEachNotified("monitor.up");
    expect(await livesOf()).toEqual(lives);
  });

  test("in Redis says so, notifies by what Postgres holds alone, frees what is acked, and goes on", {
    timeout: patience,
  }, async () => {
    const release = host.hold();
    await vi.waitFor(() => expect(host.held()).toBeGreaterThan(0), { timeout: 30_000, interval: 10 });
    await redis("CONFIG", "SET", "maxmemory", "1");
    host.up = false;
    release();
    await vi.waitFor(() => expect(host.received.length).toBeGreaterThan(notified.length), soon);
    await untilAllSay("the stream service takes no writes");
    await vi.waitFor(async () => expect(await redis("XLEN", "stillup:checks.due")).toBe("0"), soon);
    expect(await logsOf("worker-monitoring")).toContain("used memory > 'maxmemory'");
    await expect(redis("XADD", "stillup:checks.due", "*", "body", "")).resolves.toContain("OOM");

    await redis("CONFIG", "SET", "maxmemory", "192mb");
    await untilReady();
    await expectEachNotified("monitor.down");
    host.up = true;
    await expectEachNotified("monitor.up");
    expect(await livesOf()).toEqual(lives);
  });
});
