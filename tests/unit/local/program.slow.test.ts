import { cp, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { useDist } from "../../../testing/dist.ts";
import { serveTcp } from "../../../testing/http-servers.ts";
import { type Program, startProgram } from "../../../testing/program.ts";

const dist = useDist();
const KEY = "k".repeat(40);
const NOWHERE = {
  DATABASE_URL: "postgres://stillup:hunter2@127.0.0.1:1/stillup",
  REDIS_URL: "redis://127.0.0.1:1",
  API_KEY: KEY,
};

describe("A program that cannot start", () => {
  test.each(["api", "worker-monitoring", "migrate"])(
    "says for %s all that is wrong with the variables, and ends with 1",
    async (service) => {
      const program = startProgram(dist(), [service], {
        PORT: "hunter2",
        LOG_LEVEL: "hunter2",
        DATABASE_URL: "mysql://hunter2",
      });
      expect(await program.exit).toBe(1);
      expect(program.stdout()).toBe("");
      expect(program.stderr()).toMatch(/^stillup: Change these variables: .*\n( {2}[A-Z_]+: .*\n)+$/);
      for (const name of ["DATABASE_URL", "REDIS_URL", "API_KEY", "PORT", "LOG_LEVEL"]) {
        expect(program.stderr()).toContain(`  ${name}: `);
      }
      expect(program.stderr()).not.toContain("hunter2");
    },
  );

  test("says that the database cannot be reached, and ends with 1", { timeout: 60_000 }, async () => {
    const programs = ["api", "worker-notification", "migrate"].map((name) => startProgram(dist(), [name], NOWHERE));
    expect(await Promise.all(programs.map(({ exit }) => exit))).toEqual([1, 1, 1]);
    for (const program of programs) {
      expect(program.stderr()).toMatch(
        /^stillup: The database at 127\.0\.0\.1:1\/stillup cannot be reached: .* that DATABASE_URL is right\.\n$/,
      );
      expect(program.stderr()).not.toContain("hunter2");
    }
  });

  test("shows how it is used, and ends with 2", async () => {
    const program = startProgram(dist(), ["nonsense"]);
    expect(await program.exit).toBe(2);
    expect(program.stderr()).toMatch(/^Usage: .*worker-status-change.*migrate/s);
  });
});

describe("Everything in one process", { timeout: 60_000 }, () => {
  let folders: string;
  let folder: string;
  beforeAll(async () => {
    folders = await mkdtemp(join(tmpdir(), "stillup-program-"));
    const first = startProgram(dist(), ["all", join(folders, "first")], { PORT: "0" });
    await first.printed(/Stillup runs/);
    first.signal("SIGTERM");
    await first.exit;
  });
  afterAll(() => rm(folders, { recursive: true }));
  // Making a database takes seconds, and copying one does not.
  beforeEach(async () => {
    folder = await mkdtemp(join(folders, "copy-"));
    await cp(join(folders, "first/postgres"), join(folder, "postgres"), { recursive: true });
  });

  const start = (variables: Record<string, string> = {}): Program => {
    const program = startProgram(dist(), ["all", folder], { PORT: "0", ...variables });
    onTestFinished(async () => {
      program.signal("SIGKILL");
      await program.exit;
    });
    return program;
  };
  const welcome = async (program: Program) => {
    const [, url = "", key = ""] = await program.printed(
      /Address +(\S+)\n +API key +(\S+)\n.*curl -w '\\n' .*example\.com"}'/s,
    );
    return { url, headers: { authorization: `Bearer ${key}`, "content-type": "application/json" }, key };
  };

  test("prints its address, a key and a curl that works, and keeps key and data over a restart", async () => {
    const first = start();
    const { url, headers, key } = await welcome(first);
    expect((await stat(join(folder, "api-key"))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const [, body = ""] = /-d '(.*)'/.exec(first.stdout()) ?? [];
    const made = await fetch(`${url}/v1/monitors`, { method: "POST", headers, body });
    const monitor = (await made.json()) as { id: string };
    expect([made.status, monitor]).toMatchObject([201, { name: "Example", status: "pending" }]);
    first.signal("SIGTERM");
    expect(await first.exit).toBe(0);
    expect(first.stderr()).toBe("");

    const second = start();
    const again = await welcome(second);
    expect(again.key).toBe(key);
    const kept = await fetch(`${again.url}/v1/monitors/${monitor.id}`, { headers });
    expect([kept.status, await kept.json()]).toMatchObject([200, { id: monitor.id, name: "Example" }]);
    second.signal("SIGTERM");
    expect(await second.exit).toBe(0);
  });

  test("takes API_KEY in place of its own, does not print it, and needs no colours", async () => {
    const program = start({ API_KEY: KEY });
    const [, url] = await program.printed(/Address +(\S+)\n +API key +as in API_KEY\n.*Bearer \$API_KEY"/s);
    const answer = await fetch(`${url}/v1/monitors`, { headers: { authorization: `Bearer ${KEY}` } });
    expect(answer.status).toBe(200);
    expect(program.stdout()).not.toContain(KEY);
    expect(program.stdout()).not.toContain("\u001b");
  });

  test("takes a Ctrl-C that arrives twice for one", async () => {
    const program = start();
    await welcome(program);
    // Two of one kind may arrive as one.
    program.signal("SIGINT");
    program.signal("SIGTERM");
    expect(await program.exit).toBe(0);
  });

  test("stops while it starts, with 0", async () => {
    const program = start();
    const folderIsThere = async () => (await stat(join(folder, "api-key")).catch(() => null)) !== null;
    while (!(await folderIsThere()));
    program.signal("SIGTERM");
    expect(await program.exit).toBe(0);
  });

  test("says that another process has the folder", async () => {
    const first = start();
    await welcome(first);
    const second = start();
    expect(await second.exit).toBe(1);
    expect(second.stderr()).toMatch(
      new RegExp(`^stillup: Process ${first.pid} has the database in ${folder}/postgres\\. .*\n$`),
    );
  });

  test("says that its port is taken", async () => {
    const { port, close } = await serveTcp(() => {});
    const program = start({ PORT: `${port}` });
    expect(await program.exit).toBe(1);
    expect(program.stderr()).toBe(
      `stillup: Port ${port} on 127.0.0.1 is taken. Stop the program that has it, or set PORT to a free port.\n`,
    );
    await close();
  });

  test("is found alive by the health command while it runs", async () => {
    const program = start();
    const { url } = await welcome(program);
    const variables = { ...NOWHERE, PORT: new URL(url).port };
    expect(await startProgram(dist(), ["health", "api"], variables).exit).toBe(0);
    program.signal("SIGTERM");
    await program.exit;
    expect(await startProgram(dist(), ["health", "api"], variables).exit).toBe(1);
  });
});
