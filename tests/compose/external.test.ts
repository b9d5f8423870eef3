import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv, stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test, vi } from "vitest";
import { DEVELOPMENT_API_KEY } from "../../runtime/config/config.ts";
import { type ApiClient, apiClient } from "../../testing/api.ts";
import { type Container, createStack, engineMissing, type Host, type Stack, startHost } from "./stack.ts";

const root = join(import.meta.dirname, "../..");
const IMAGE = "stillup-external-test";
const EXTERNAL = "docker-compose.external.yml";
const EMULATED = [EXTERNAL, "local/emulators/compose.yml", "tests/compose/emulator-images.yml"];
const WORKERS = ["worker-monitoring", "worker-notification", "worker-status-change"];
const STILLUP = ["api", "migrate", ...WORKERS];
/** Of local/emulators/compose.yml. */
const API_KEY = "emulated-stack-key-for-this-machine-only";
const CANARY = "canary-that-must-reach-nothing-else-0123456789";
const soon = { timeout: 100_000, interval: 200 };

interface Config {
  readonly name: string;
  readonly services: Readonly<Record<string, unknown>>;
}

const skipped = engineMissing ?? "";

describe.skipIf(engineMissing !== null)(`The files of both modes${skipped}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stillup-external-"));
    for (const file of [".env", ".env.local"]) await copyFile(join(root, file), join(folder, file));
    await writeFile(join(folder, ".env.secrets"), `API_KEY='${CANARY}'\n`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What Compose makes of a mode's own file, in a folder whose `.env.secrets` is filled in. */
  const configOf = async (file: string) => {
    const stack = await createStack("stillup-external-test", join(folder, ".env"), {
      files: [file],
      directory: folder,
      image: IMAGE,
    });
    const text = await stack.compose("config", "--format", "json").finally(stack.remove);
    return { text, config: JSON.parse(text) as Config };
  };

  test("hold nothing of each other", async () => {
    const local = await configOf("docker-compose.yml");
    expect(Object.keys(local.config.services).sort()).toEqual([...STILLUP, "postgres", "redis"].sort());
    for (const word of [CANARY, "UPSTASH", "DATABASE_DRIVER", "neon"]) expect(local.text, word).not.toContain(word);

    const external = await configOf(EXTERNAL);
    expect(Object.keys(external.config.services).sort()).toEqual([...STILLUP].sort());
    expect(external.text).toContain(CANARY);
    for (const word of [DEVELOPMENT_API_KEY, "postgres:", "redis:", "env.local", "volumes"]) {
      expect(external.text, word).not.toContain(word);
    }
  });

  test("name different projects, so that neither touches what is the other's", async () => {
    const names = await Promise.all(
      ["docker-compose.yml", EXTERNAL].map(async (file) =>
        /^name: (.*)$/m.exec(await readFile(join(root, file), "utf8")),
      ),
    );
    expect(names.map((found) => found?.[1])).toEqual(["stillup", "stillup-external"]);
  });

  test("leave what Compose reads by itself alone: .env holds no port and no setting of Compose", async () => {
    const template = parseEnv(await readFile(join(root, ".env"), "utf8"));
    expect(Object.keys(template).filter((name) => /^(STILLUP|COMPOSE)_/.test(name))).toEqual([]);
    const filled = Object.entries(template).filter(([, value]) => value !== "");
    expect(filled.map(([name]) => name).sort()).toEqual([
      "CONNECTIVITY_TARGETS",
      "DATABASE_DRIVER",
      "DRAIN_SECONDS",
      "LOG_LEVEL",
      "NETWORK_POLICY",
      "REDIS_DRIVER",
    ]);
  });
});

describe.skipIf(engineMissing !== null)(`The stack of ${EXTERNAL}${skipped}`, () => {
  let folder: string;
  let stack: Stack;
  let plain: Stack;
  let host: Host;
  let api: ApiClient;
  let monitorId: string;
  let notified = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stillup-external-"));
    await copyFile(join(root, ".env"), join(folder, ".env"));
    host = await startHost();
    stack = await createStack("stillup-external-test", join(folder, ".env"), { files: EMULATED, image: IMAGE });
    plain = await createStack("stillup-external-plain", join(folder, ".env"), {
      files: [EXTERNAL],
      directory: folder,
      image: IMAGE,
    });
    api = apiClient(stack.apiUrl, API_KEY);
    await stack.compose("up", "--detach", "--build");
  });

  afterAll(async () => {
    await plain?.remove();
    await stack?.remove();
    await stack?.docker("image", "rm", "--force", IMAGE, `${IMAGE}-emulators`);
    await host?.close();
    await rm(folder, { recursive: true });
  });

  beforeEach(() => {
    onTestFailed(async () => console.log(await stack.compose("logs", "--no-color", "--timestamps", "--tail", "50")));
  });

  const healthy = (containers: readonly Container[]) =>
    containers.filter(({ health }) => health === "healthy").map(({ service }) => service);
  const status = async (path: string) => {
    const answer = await fetch(stack.apiUrl + path, { headers: { authorization: `Bearer ${API_KEY}` } });
    await answer.body?.cancel();
    return answer.status;
  };
  /** What was found when it was last asked counts for 5 s. */
  const notReady = () => vi.waitFor(async () => expect(await status("/readyz")).toBe(503), soon);
  const setFaults = (control: string, faults: object) =>
    fetch(control, { method: "POST", body: JSON.stringify(faults) }).then((answer) => expect(answer.status).toBe(200));
  const look = async (control: string) =>
    (await (await fetch(control)).json()) as {
      faults: { answer: { times: number } | null; dropReplies: number; sleep: object | null };
      counts: Record<string, number>;
    };
  /** Semaphore the target around, and expects one webhook of it and no other. */
  const expectNotified = async (
    type: "monitor.down" | "monitor.up",
    meanwhile: () => Promise<unknown> = async () => {},
  ) => {
    host.up = type === "monitor.up";
    await meanwhile();
    await vi.waitFor(() => expect(host.received.length).toBeGreaterThan(notified), soon);
    expect(host.received.slice(notified)).toMatchObject([{ type, monitorId }]);
    notified += 1;
    expect(new Set(host.received.map(({ id }) => id)).size).toBe(notified);
  };
  /** Takes a service off the network while `meanwhile` goes on, and gives it its names back. */
  const cutOff = async (service: string, meanwhile: () => Promise<unknown>) => {
    const container = (await stack.containers()).find((each) => each.service === service)?.id ?? "";
    const [inspected] = JSON.parse(await stack.docker("inspect", container));
    const [[network, { Aliases }]] = Object.entries(inspected.NetworkSettings.Networks) as [
      [string, { Aliases: string[] }],
    ];
    await stack.docker("network", "disconnect", network, container);
    await meanwhile();
    const names = Aliases.flatMap((alias) => ["--alias", alias]);
    await stack.docker("network", "connect", ...names, network, container);
  };

  test("becomes healthy against the emulators over TLS, after a migration that ended well", async () => {
    await vi.waitFor(async () => {
      const expected = ["api", ...WORKERS, "emulated-postgres", "emulated-redis", "neon", "upstash"];
      expect(healthy(await stack.containers()).sort()).toEqual(expected.sort());
    }, soon);
    const migrate = (await stack.containers()).find(({ service }) => service === "migrate");
    expect(migrate).toMatchObject({ exitCode: 0, restartCount: 0 });
    expect(await status("/readyz")).toBe(200);
  });

  test("is found well by doctor, which prints no secret", async () => {
    const report = await stack.compose("run", "--rm", "--no-deps", "api", "doctor");
    expect(report).toMatch(/^ok +configuration +variables +the database over HTTP, streams over HTTP$/m);
    for (const area of ["database", "migrations", "streams"]) {
      expect(report).toMatch(new RegExp(`^ok +${area} +tls +TLSv1\\.3`, "m"));
    }
    expect(report).not.toMatch(/fail|pa(\$|%24)|emulated-token|emulated-stack-key/);
  });

  test("takes rediss:// as well, by the same names", async () => {
    const url = "rediss://default:emulated-password@stillup-local-1.upstash.io:6379";
    const variables = ["--env", "REDIS_DRIVER=tcp", "--env", `REDIS_URL=${url}`];
    const report = await stack.compose("run", "--rm", "--no-deps", ...variables, "api", "doctor");
    expect(report).toMatch(/^ok +configuration +variables +the database over HTTP, streams over TCP$/m);
    expect(report).toMatch(/^ok +streams +tls +TLSv1\.3/m);
    expect(report).toMatch(/^ok +streams +version +Redis /m);
    expect(report).not.toMatch(/fail|emulated-password/);
  });

  /** What the API prints when it is started with these variables; it must end with 1. */
  const refusalOf = async (variables: Record<string, string>) => {
    const given = Object.entries(variables).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    // Not attached: `compose run` of several at once was seen to end with 0 whatever the container ended with.
    const container = (await stack.compose("run", "--detach", "--no-deps", ...given, "api")).trim();
    const code = (await stack.docker("wait", container)).trim();
    const printed = await stack.logs(container);
    await stack.docker("rm", container);
    expect(code, printed).toBe("1");
    for (const secret of ["hunter2", "emulated-token", "pa%24", "pa$"]) expect(printed).not.toContain(secret);
    return printed;
  };
  const neon = (user: string, rest = "?sslmode=require") =>
    `postgresql://${user}@ep-stillup-00000000-pooler.c-1.local-1.aws.neon.tech${rest}`;

  test.concurrent.each([
    [{ DATABASE_URL: neon("stillup:hunter2", "/stillup") }, /refuses the user name or the password.*DATABASE_URL/],
    [{ DATABASE_URL: neon("stillup:hunter2", "") }, /DATABASE_URL: .*names no database/],
    [{ DATABASE_URL: neon("stillup:hunter2", "/stillup?sslmode=disable") }, /DATABASE_URL: .*Set sslmode=require/],
    [
      { DATABASE_URL: "postgres://stillup:hunter2@ep-gone.c-9.local-1.aws.neon.tech/stillup" },
      /its name was not found.*DATABASE_URL/,
    ],
    [{ UPSTASH_REDIS_REST_TOKEN: "hunter2" }, /WRONGPASS.*UPSTASH_REDIS_REST_TOKEN must be/],
    [{ UPSTASH_REDIS_REST_TOKEN: "" }, /UPSTASH_REDIS_REST_TOKEN: is not set/],
    [{ UPSTASH_REDIS_REST_URL: "https://gone-1.upstash.io" }, /cannot be reached.*UPSTASH_REDIS_REST_URL/],
    [{ REDIS_URL: "https://stillup-local-1.upstash.io" }, /REDIS_URL: .*https:\/\/ goes into UPSTASH_REDIS_REST_URL/],
    [{ REDIS_URL: "rediss://default:hunter2@other-1.upstash.io:6379" }, /REDIS_URL: names another host/],
    [{ API_KEY: DEVELOPMENT_API_KEY }, /API_KEY: .*Make one of your own/],
  ])("does not start with %o", async (variables, message) => {
    expect(await refusalOf(variables)).toMatch(message);
  });

  test("does not start on a certificate that has expired, or over quota", async () => {
    await setFaults(stack.controls.neon, { expiredCertificate: true });
    expect(await refusalOf({})).toMatch(/certificate has expired.*DATABASE_URL/);
    await setFaults(stack.controls.neon, { expiredCertificate: false });
    await setFaults(stack.controls.upstash, { expiredCertificate: true });
    expect(await refusalOf({})).toMatch(/certificate has expired.*UPSTASH_REDIS_REST_URL/);
    const overQuota = { status: 429, error: "ERR max requests limit exceeded", times: null };
    await setFaults(stack.controls.upstash, { expiredCertificate: false, answer: overQuota });
    expect(await refusalOf({})).toMatch(/Raise the plan/);
    await setFaults(stack.controls.upstash, { answer: null });
  });

  test("stops at the template with one message that names each variable and where to get it", async () => {
    await expect(plain.compose("up", "--detach")).rejects.toThrow(/migrate.*didn't complete successfully: exit 1/s);
    const message = stripVTControlCharacters(await plain.compose("logs", "--no-log-prefix", "migrate"));
    expect(message).toMatch(/^stillup: Change these variables: DATABASE_URL, REDIS_URL, API_KEY\n/);
    expect(message).toMatch(/DATABASE_URL: is not set\..*console\.neon\.tech/);
    expect(message).toMatch(
      /REDIS_URL: is not set\..*UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN.*console\.upstash/,
    );
    expect(message).toMatch(/API_KEY: is not set\..*openssl rand/);
    expect(message.trim().split("\n")).toHaveLength(4);
    expect((await plain.containers()).map(({ service, startedAt }) => [service, startedAt.startsWith("0001")])).toEqual(
      STILLUP.map((service) => [service, service !== "migrate"]).sort(),
    );
  });

  test("gets the values of .env.secrets, whatever characters they have", async () => {
    const secrets = {
      DATABASE_URL: `postgres://user:p$a$$s%23w"rd@db.example.com/stillup?sslmode=require`,
      REDIS_URL: "rediss://default:a$b$HOME`d`%27@redis.example.com:6380",
      API_KEY: `k#$HOME"$$\\n${"k".repeat(32)}`,
    };
    const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'\n`);
    await writeFile(join(folder, ".env.secrets"), lines.join(""));
    const print = ["run", "--rm", "--no-deps", "--entrypoint", "node", "migrate", "-p", "JSON.stringify(process.env)"];
    expect(JSON.parse(await plain.compose(...print))).toMatchObject({ ...secrets, REDIS_DRIVER: "auto" });
  });

  test("notifies once that a target is down and once that it is up again", async () => {
    await api.call("POST", "/v1/channels", { name: "Host", type: "webhook", config: { url: `${host.url}/webhook` } });
    const monitor = { name: "Target", type: "http", url: `${host.url}/target`, intervalSeconds: 5 };
    const thresholds = { failureThreshold: 1, recoveryThreshold: 1 };
    ({ id: monitorId } = await api.call<{ id: string }>("POST", "/v1/monitors", { ...monitor, ...thresholds }));
    await vi.waitFor(async () => {
      expect(await api.call("GET", `/v1/monitors/${monitorId}`)).toMatchObject({ status: "up" });
    }, soon);
    await expectNotified("monitor.down");
    await expectNotified("monitor.up");
  });

  test("is asked for its health without a billed command", async () => {
    const { ping } = (await look(stack.controls.upstash)).counts;
    expect(ping).toBeGreaterThan(0);
    for (let count = 0; count < 5; count++) {
      expect(await status("/readyz")).toBe(200);
      await stack.compose("exec", "--no-TTY", "worker-notification", "node", "local/main.mjs", "health", "worker");
    }
    expect((await look(stack.controls.upstash)).counts).toMatchObject({ ping });
  });

  test("loses nothing to a database that answers 500, that sleeps, and whose replies are lost", async () => {
    const { neon } = stack.controls;
    await expectNotified("monitor.down", async () => {
      await setFaults(neon, { answer: { status: 500, times: null } });
      expect(await status("/v1/monitors")).toBe(503);
      await notReady();
      await setFaults(neon, { answer: { status: 500, times: 4 } });
      await vi.waitFor(async () => expect((await look(neon)).faults.answer?.times).toBe(0), soon);
    });
    await expectNotified("monitor.up", () => setFaults(neon, { sleep: { wakeMs: 2000, refuses: true } }));
    await expectNotified("monitor.down", () => setFaults(neon, { dropReplies: 4 }));
    await vi.waitFor(async () => expect((await look(neon)).faults.dropReplies).toBe(0), soon);
    await vi.waitFor(async () => expect(await status("/readyz")).toBe(200), soon);
  });

  test("loses nothing to a stream service that answers 500, and whose replies are lost", async () => {
    const { upstash } = stack.controls;
    await expectNotified("monitor.up", async () => {
      await setFaults(upstash, { answer: { status: 500, times: 2 } });
      await vi.waitFor(async () => expect((await look(upstash)).faults.answer?.times).toBe(0), soon);
    });
    await expectNotified("monitor.down", async () => {
      await setFaults(upstash, { dropReplies: 2 });
      await vi.waitFor(async () => expect((await look(upstash)).faults.dropReplies).toBe(0), soon);
    });
  });

  test("loses nothing when either is cut off the network", async () => {
    await expectNotified("monitor.up", () =>
      cutOff("neon", async () => {
        expect(await status("/v1/monitors")).toBe(503);
        await notReady();
      }),
    );
    await expectNotified("monitor.down", () =>
      cutOff("upstash", async () => {
        // The write is kept, and wakes nobody.
        expect(await api.call("POST", `/v1/monitors/${monitorId}/check`)).toMatchObject({ id: monitorId });
        await notReady();
      }),
    );
    await vi.waitFor(async () => expect(await status("/readyz")).toBe(200), soon);
    await expectNotified("monitor.up");
  });

  test("is left as it is by the other mode beside it", async () => {
    const local = await createStack("stillup-external-test-local", join(folder, ".env"), { image: IMAGE });
    const lives = async (of: Stack) =>
      (await of.containers())
        .filter(({ service }) => service !== "migrate")
        .map(({ name, id, startedAt }) => [name, id, startedAt]);
    const before = await lives(stack);
    try {
      await local.compose("up", "--detach", "api");
      await vi.waitFor(async () => expect((await fetch(`${local.apiUrl}/readyz`)).status).toBe(200), soon);
      const beside = await lives(local);
      await stack.compose("up", "--detach");
      expect(await lives(local)).toEqual(beside);
      expect(await lives(stack)).toEqual(before);
    } finally {
      await local.remove();
    }
    expect(await lives(stack)).toEqual(before);
    expect(await status("/readyz")).toBe(200);
    expect(host.received.length).toBe(notified);
  });
});
