import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test, vi } from "vitest";
import { DEVELOPMENT_API_KEY } from "../../runtime/config/config.ts";
import { type AnotherRelease, copyRelease } from "../../testing/another-release.ts";
import { type ApiClient, apiClient } from "../../testing/api.ts";
import { createStack, engineMissing, type Host, type Stack, startHost } from "./stack.ts";

const NAME = "stillup-upgrade-test";
const SERVICES = ["api", "worker-monitoring", "worker-notification", "worker-status-change"];
const MIGRATION = "migrations/0002-scratch.sql";
/** How long the next release's migration takes, so that requests come while it runs. */
const MIGRATION_SECONDS = 3;
const soon = { timeout: 90_000, interval: 200 };

interface Page<Item> {
  readonly items: readonly Item[];
}
interface Incident {
  readonly id: string;
  readonly monitorId: string;
  readonly status: string;
}

describe.skipIf(engineMissing !== null)(`An upgrade of the stack of docker-compose.yml${engineMissing ?? ""}`, () => {
  /** Where the operator has checked Stillup out. Another release comes by changing its files. */
  let checkout: AnotherRelease;
  let stack: Stack;
  let host: Host;
  let api: ApiClient;
  let channelId: string;
  const monitors: string[] = [];
  let incidents: readonly Incident[];
  /** The webhooks that have been expected so far, each as its type and its monitor. */
  let notified: string[] = [];

  beforeAll(async () => {
    checkout = await copyRelease();
    host = await startHost();
    stack = await createStack(NAME, join(checkout.folder, ".env"), { directory: checkout.folder, image: NAME });
    api = apiClient(stack.apiUrl, DEVELOPMENT_API_KEY);
    await stack.compose("up", "--detach", "--build");
    await untilHealthy();
  });

  afterAll(async () => {
    await stack?.remove();
    const built = await stack?.docker("image", "ls", "--quiet", "--filter", `label=com.docker.compose.project=${NAME}`);
    const images = new Set(built?.split("\n").filter((id) => id !== ""));
    if (images.size > 0) await stack?.docker("image", "rm", "--force", ...images);
    await host?.close();
    await checkout?.remove();
  });

  beforeEach(() => {
    onTestFailed(async () => console.log(await stack.compose("logs", "--no-color", "--timestamps", "--tail", "50")));
  });

  const servicesOf = async () => (await stack.containers()).filter(({ service }) => SERVICES.includes(service));
  const untilHealthy = () =>
    vi.waitFor(async () => {
      const found = (await servicesOf()).map(({ service, health }) => `${service} ${health}`);
      expect(found).toEqual(SERVICES.map((name) => `${name} healthy`));
    }, soon);
  const lives = async () => (await servicesOf()).map(({ id, startedAt }) => `${id} ${startedAt}`);
  /** Expects of each monitor one more webhook of this type, and nothing else. */
  const expectNotified = async (type: string) => {
    notified = [...notified, ...monitors.map((id) => `${type} ${id}`)].sort();
    await vi.waitFor(() => expect(host.received.length).toBeGreaterThanOrEqual(notified.length), soon);
    expect(host.received.map((webhook) => `${webhook.type} ${webhook.monitorId}`).sort()).toEqual(notified);
    expect(new Set(host.received.map(({ id }) => id)).size).toBe(notified.length);
  };
  const checkedAgain = async () => {
    const before = host.checks();
    await vi.waitFor(() => expect(host.checks()).toBeGreaterThanOrEqual(before + 2 * monitors.length), soon);
  };
  /** What the database holds, as `psql` prints it. */
  const query = (statement: string) => {
    const psql = ["psql", "--username=stillup", "--dbname=stillup", "--tuples-only", "--no-align"];
    return stack.compose("exec", "--no-TTY", "postgres", ...psql, "--command", statement);
  };
  /** The first step of an upgrade: builds the release that is checked out and runs its migrations alone. */
  const migrate = () => stack.tryCompose("run", "--rm", "--build", "--no-TTY", "migrate");
  /** Everything that was made before the first upgrade, as it must be after each. */
  const expectAllData = async () => {
    const { items: channels } = await api.call<Page<{ id: string }>>("GET", "/v1/channels");
    expect(channels.map(({ id }) => id)).toEqual([channelId]);
    const { items } = await api.call<Page<{ id: string }>>("GET", "/v1/monitors");
    expect(items.map(({ id }) => id).sort()).toEqual([...monitors].sort());
    const { items: known } = await api.call<Page<Incident>>("GET", "/v1/incidents");
    expect(known.map(({ id }) => id)).toEqual(expect.arrayContaining(incidents.map(({ id }) => id)));
  };

  test("begins with monitors that have an open incident", async () => {
    const channel = { name: "Host", type: "webhook", config: { url: `${host.url}/webhook` } };
    channelId = (await api.call<{ id: string }>("POST", "/v1/channels", channel)).id;
    for (const name of ["First", "Second"]) {
      const config = { type: "http", url: `${host.url}/target`, intervalSeconds: 5 };
      const monitor = { name, ...config, failureThreshold: 1, recoveryThreshold: 1 };
      monitors.push((await api.call<{ id: string }>("POST", "/v1/monitors", monitor)).id);
    }
    await checkedAgain();
    host.up = false;
    await expectNotified("monitor.down");
    incidents = (await api.call<Page<Incident>>("GET", "/v1/incidents")).items;
    expect(incidents.map(({ monitorId, status }) => `${monitorId} ${status}`).sort()).toEqual(
      monitors.map((id) => `${id} open`).sort(),
    );
  });

  test("runs the next release's migration while the services of the old one go on", async () => {
    await checkout.write(
      MIGRATION,
      `-- compatible-with: 0001-main
select pg_sleep(${MIGRATION_SECONDS});
alter table monitors add column note text not null default 'by default';
update monitors set note = 'filled for ' || name;
`,
    );
    const before = await lives();
    let endedAt = 0;
    const migrated = migrate().finally(() => {
      endedAt = performance.now();
    });
    const answeredAt: number[] = [];
    while (endedAt === 0) {
      expect((await fetch(`${stack.apiUrl}/readyz`)).status).toBe(200);
      await expectAllData();
      answeredAt.push(performance.now());
      await Promise.race([migrated, delay(100)]);
    }
    expect(await migrated).toMatchObject({ exitCode: 0, output: expect.stringContaining("0002-scratch") });
    const whileItRan = answeredAt.filter((at) => at > endedAt - MIGRATION_SECONDS * 1000);
    expect(whileItRan.length).toBeGreaterThan(3);

    await checkedAgain();
    expect(await lives()).toEqual(before);
    expect(await query("select note from monitors order by note")).toBe("filled for First\nfilled for Second\n");
  });

  test("keeps the data, and an incident goes on until its end", async () => {
    const before = await lives();
    await stack.compose("up", "--detach");
    await untilHealthy();
    expect((await lives()).filter((life) => before.includes(life))).toEqual([]);
    await expectAllData();
    for (const { id } of incidents)
      expect(await api.call("GET", `/v1/incidents/${id}`)).toMatchObject({ status: "open" });
    await checkedAgain();
    host.up = true;
    await expectNotified("monitor.up");
    for (const { id } of incidents) {
      expect(await api.call("GET", `/v1/incidents/${id}`)).toMatchObject({
        status: "resolved",
        resolution: "recovered",
      });
    }
  });

  test("can be undone: the old release runs on the schema of the next one", async () => {
    await rm(join(checkout.folder, MIGRATION));
    await stack.compose("up", "--detach", "--build");
    await untilHealthy();
    const migrated = (await stack.containers()).find(({ service }) => service === "migrate");
    expect(migrated).toMatchObject({ exitCode: 0 });
    await expectAllData();
    expect(await query("select name from schema_migrations order by name")).toBe("0001-main\n0002-scratch\n");
    host.up = false;
    await expectNotified("monitor.down");
    host.up = true;
    await expectNotified("monitor.up");
  });

  test("stops with what to do when a migration was edited, and leaves running services running", async () => {
    const file = "migrations/0001-main.sql";
    const original = await readFile(join(checkout.folder, file), "utf8");
    const checksum = createHash("sha256").update(original).digest("hex");
    const before = await lives();
    await checkout.write(file, original.replace("create table schedules", "create table  schedules"));

    // As a released file, which the build refuses.
    await checkout.write("migrations/released.json", JSON.stringify({ "0001-main": checksum }));
    const up = await stack.tryCompose("up", "--detach", "--build");
    expect(up.exitCode).not.toBe(0);
    expect(up.output).toContain(`${file} was edited after its release`);
    expect(await lives()).toEqual(before);

    // As in an image that was built elsewhere, which the database refuses.
    await checkout.write("migrations/released.json", "{}");
    const refused = await migrate();
    expect(refused.exitCode).toBe(1);
    for (const part of [file, "was edited", "Nothing was changed", "Put the original file", "run migrate again"]) {
      expect(refused.output).toContain(part);
    }
    host.up = false;
    await expectNotified("monitor.down");
    expect(await lives()).toEqual(before);
    await expectAllData();

    await checkout.write(file, original);
    expect(await migrate()).toMatchObject({ exitCode: 0 });
    await stack.compose("up", "--detach");
    await untilHealthy();
    host.up = true;
    await expectNotified("monitor.up");
    expect(await api.call("GET", "/v1/dead-letters")).toMatchObject({ items: [] });
  });
});
