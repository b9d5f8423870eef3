import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { DEVELOPMENT_API_KEY, readConfig } from "../../runtime/config/config.ts";
import { type ApiClient, apiClient } from "../../testing/api.ts";
import { createStack, engineMissing, type Host, type Stack, startHost } from "./stack.ts";

const root = join(import.meta.dirname, "../..");
const WORKERS = ["worker-monitoring", "worker-notification", "worker-status-change"];
const RUNNING = ["api", "postgres", "redis", ...WORKERS];
const CANARY = "canary-that-must-reach-nothing-0123456789";
/** Longer than the lease of a check whose worker was killed. */
const soon = { timeout: 90_000, interval: 200 };

interface Monitor {
  readonly id: string;
  readonly status: string;
}

describe.skipIf(engineMissing !== null)(`The stack of docker-compose.yml${engineMissing ?? ""}`, () => {
  let folder: string;
  let stack: Stack;
  let host: Host;
  let api: ApiClient;
  /** One that tells of the first failure, and one that tells of the third. */
  const monitors: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stillup-compose-"));
    await writeFile(join(folder, ".env"), canaries());
    host = await startHost();
    stack = await createStack("stillup-compose-test", join(folder, ".env"));
    api = apiClient(stack.apiUrl, DEVELOPMENT_API_KEY);
    await stack.compose("up", "--detach", "--build");
  });

  afterAll(async () => {
    await stack?.remove();
    await stack?.docker("image", "rm", "--force", "stillup-compose-test");
    await host?.close();
    await rm(folder, { recursive: true });
  });

  const untilHealthy = () =>
    vi.waitFor(async () => {
      const containers = (await stack.containers()).filter(({ service }) => service !== "migrate");
      expect(containers.map(({ service, health }) => `${service} ${health}`)).toEqual(
        RUNNING.map((name) => `${name} healthy`),
      );
      return containers;
    }, soon);
  /** Expects of each monitor one more webhook of this type, and nothing else. */
  const expectNotified = async (type: string) => {
    const expected = [...notified, ...monitors.map((id) => `${type} ${id}`)].sort();
    await vi.waitFor(() => expect(host.received.length).toBeGreaterThanOrEqual(expected.length), soon);
    expect(host.received.map((webhook) => `${webhook.type} ${webhook.monitorId}`).sort()).toEqual(expected);
    expect(new Set(host.received.map(({ id }) => id)).size).toBe(expected.length);
    notified = expected;
  };
  let notified: string[] = [];
  const checkedAgain = async () => {
    const before = host.checks();
    await vi.waitFor(() => expect(host.checks()).toBeGreaterThanOrEqual(before + 2), soon);
  };

  test("becomes healthy, all of it, after a migration that ended well", async () => {
    await untilHealthy();
    const migrate = (await stack.containers()).find(({ service }) => service === "migrate");
    expect(migrate).toMatchObject({ exitCode: 0, restartCount: 0 });
    expect((await fetch(`${stack.apiUrl}/readyz`)).status).toBe(200);
  });

  test("is left alone by a second run of these tests", async () => {
    const second = createStack("stillup-compose-test", join(folder, ".env"));
    await expect(second).rejects.toThrow("Another run on this machine uses the Compose project stillup-compose-test");
    await untilHealthy();
  });

  test("runs an image that holds bundles and migrations alone, as a user without rights", async () => {
    expect(await stack.compose("exec", "--no-TTY", "api", "id", "-u")).not.toBe("0\n");
    const unwanted = ["node_modules", "npm", "npx", "package*.json", ".env*", "*.ts"].flatMap((name) => [
      "-o",
      "-name",
      name,
    ]);
    const asRoot = ["run", "--rm", "--user", "root", "--entrypoint"];
    const inImage = (command: string, ...args: string[]) =>
      stack.docker(...asRoot, command, "stillup-compose-test", ...args);
    expect(await inImage("find", "/", "-xdev", ...unwanted.slice(1))).toBe("");
    expect(await inImage("ls", "/app")).toBe("functions\nlocal\nmanifest.json\nmigrations\n");
    const [image] = JSON.parse(await stack.docker("image", "inspect", "stillup-compose-test"));
    expect(image.Config).toMatchObject({ User: "node", Entrypoint: ["node", "local/main.mjs"] });
  });

  test("is built from nothing that .dockerignore does not let in", async () => {
    await stack.docker("build", "--quiet", "--target", "builder", "--tag", "stillup-compose-test:builder", ".");
    const files = (await stack.docker("run", "--rm", "stillup-compose-test:builder", "ls", "-A", "/build"))
      .trim()
      .split("\n");
    await stack.docker("image", "rm", "--force", "stillup-compose-test:builder");
    const known = [
      "build",
      "build.mjs",
      "dist",
      "domain",
      "functions",
      "local",
      "migrations",
      "node_modules",
      "package-lock.json",
      "package.json",
      "runtime",
    ];
    expect(files.sort()).toEqual(known);
  });

  test("gets the values of .env.local, and nothing of what Compose reads by itself", async () => {
    const containers = await stack.containers();
    const all = await stack.docker("inspect", ...containers.map(({ id }) => id));
    expect(all).not.toContain(CANARY);
    const local = parseEnv(readFileSync(join(root, ".env.local"), "utf8"));
    expect(readConfig(local)).toMatchObject({ apiKey: DEVELOPMENT_API_KEY, networkPolicy: "private" });
    for (const service of ["api", ...WORKERS]) {
      const variables = parseEnv(await stack.compose("exec", "--no-TTY", service, "env"));
      expect(variables, service).toMatchObject(local);
    }
  });

  test("is looked after from within the container of its API", async () => {
    const stillup = ["exec", "--no-TTY", "api", "node", "local/main.mjs"];
    expect(await stack.compose(...stillup, "deliveries", "list")).toBe("No entries.\n");
    expect(JSON.parse(await stack.compose(...stillup, "dead-letters", "retry", "--all", "--json"))).toEqual({
      retried: 0,
    });
  });

  test("notifies once that a target is down and once that it is up again", async () => {
    await api.call("POST", "/v1/channels", { name: "Host", type: "webhook", config: { url: `${host.url}/webhook` } });
    for (const failureThreshold of [1, 3]) {
      const monitor = {
        name: `After ${failureThreshold}`,
        type: "http",
        url: `${host.url}/target`,
        intervalSeconds: 5,
        failureThreshold,
        recoveryThreshold: 1,
      };
      monitors.push((await api.call<Monitor>("POST", "/v1/monitors", monitor)).id);
    }
    const statusOf = async (id: string) => (await api.call<Monitor>("GET", `/v1/monitors/${id}`)).status;
    for (const id of monitors) await vi.waitFor(async () => expect(await statusOf(id)).toBe("up"), soon);
    host.up = false;
    await expectNotified("monitor.down");
    host.up = true;
    await expectNotified("monitor.up");
  });

  test("does so with three workers that check, too", async () => {
    await stack.compose("up", "--detach", "--no-recreate", "--scale", "worker-monitoring=3");
    await vi.waitFor(async () => {
      const scaled = (await stack.containers()).filter(({ service }) => service === "worker-monitoring");
      expect(scaled.map(({ health }) => health)).toEqual(["healthy", "healthy", "healthy"]);
    }, soon);
    host.up = false;
    await expectNotified("monitor.down");
    host.up = true;
    await expectNotified("monitor.up");
    await stack.compose("up", "--detach", "--scale", "worker-monitoring=1");
  });

  test("loses no alert when workers are killed in the middle of an outage and come back", async () => {
    host.up = false;
    await checkedAgain();
    await stack.compose("kill", "worker-monitoring");
    await stack.compose("up", "--detach");
    await expectNotified("monitor.down");

    await stack.compose("kill", "worker-notification", "worker-status-change");
    host.up = true;
    await checkedAgain();
    await stack.compose("up", "--detach");
    await expectNotified("monitor.up");
  });

  test("is left as it is by a second up", async () => {
    await untilHealthy();
    const before = await stack.containers();
    await stack.compose("up", "--detach");
    const after = await stack.containers();
    const lives = (containers: typeof before) =>
      containers.map(({ name, id, service, startedAt }) => [name, id, service === "migrate" ? "each time" : startedAt]);
    expect(lives(after)).toEqual(lives(before));
  });

  test("stops within its grace, every service with 0, and goes on afterwards with what it knew", async () => {
    await stack.compose("stop");
    const stopped = (await stack.containers()).map(({ service, exitCode }) => `${service} ${exitCode}`);
    expect(stopped).toEqual([...RUNNING, "migrate"].sort().map((name) => `${name} 0`));
    await stack.compose("up", "--detach");
    await untilHealthy();
    for (const id of monitors) expect(await api.call("GET", `/v1/monitors/${id}`)).toMatchObject({ status: "up" });
    await checkedAgain();
    expect(host.received.length).toBe(notified.length);
  });
});

/** A `.env` in which every variable that anything here might read has a value that must be seen nowhere. */
function canaries(): string {
  const names = `DATABASE_URL DATABASE_DRIVER DATABASE_URL_DIRECT REDIS_URL REDIS_ADDR REDIS_DRIVER UPSTASH_REDIS_REST_URL
    UPSTASH_REDIS_REST_TOKEN API_KEY NETWORK_POLICY HOST PORT PUBLIC_URL LOG_LEVEL WORKER_CONCURRENCY WORKER_PORT
    WORKER_LEASE_SECONDS DRAIN_SECONDS RAW_CHECK_DAYS POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB NODE_OPTIONS`;
  return names
    .split(/\s+/)
    .map((name) => `${name}='${CANARY}'\n`)
    .join("");
}
