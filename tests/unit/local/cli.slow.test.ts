import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createPostgresSql } from "../../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../../runtime/drivers/sql/sql.ts";
import { useDist } from "../../../testing/dist.ts";
import { aMonitorChange } from "../../../testing/factories.ts";
import { serveTcp } from "../../../testing/http-servers.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../testing/postgres.ts";
import { startProgram } from "../../../testing/program.ts";
import { redisMissing, startRedis, type TestRedis } from "../../../testing/redis.ts";
import { addDeadLetters, addDeliveries, addDelivery, times } from "../../../testing/rows.ts";
import { type Stillup, startStillup } from "../../../testing/stillup.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../../testing/webhooks.ts";

const dist = useDist();
const root = join(import.meta.dirname, "../../..");
const missing = postgresMissing ?? redisMissing;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], variables: Record<string, string>): Promise<Ran> {
  const program = startProgram(dist(), args, variables);
  const code = await program.exit;
  return { code, out: program.stdout(), err: program.stderr() };
}

describe("The command line, where there is no Stillup,", () => {
  const KEY = { API_KEY: "k".repeat(40) };

  test.each([
    "dead-letters",
    "dead-letters burn",
    "dead-letters list msg_1",
    "dead-letters list --status pending",
    "dead-letters show",
    "dead-letters show msg_1 msg_2",
    "dead-letters retry",
    "dead-letters retry msg_1 --all",
    "dead-letters retry msg_1 --stream checks.due",
    "dead-letters drop",
    "dead-letters drop --all",
    "deliveries retry --all --status pending",
    "deliveries list --url localhost:3000",
    "deliveries list --url",
    "deliveries list --url --json",
    "deliveries list --json=yes",
    "deliveries list --status bogus",
    "deliveries list --nope",
    "deliveries show -x",
    "deliveries retry dlv_1 ",
  ])("ends with 2 and says why for %s", async (line) => {
    const { code, out, err } = await run(line.split(" "), KEY);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^stillup: .+\nstillup --help shows how it is used\.\n$/);
  });

  test.each([
    ["deliveries list --status bogus", "--status must be one of pending, delivered, exhausted, cancelled, any."],
    ["deliveries list --nope 1", "list takes no --nope."],
    ["deliveries show ", "An id is empty."],
  ])("tells in one line what is wrong with %s", async (line, message) => {
    const { err } = await run(line.split(" "), KEY);
    expect(err).toBe(`stillup: ${message}\nstillup --help shows how it is used.\n`);
  });

  test("does not show a key that cannot be sent", async () => {
    const { code, out, err } = await run(["deliveries", "list"], { API_KEY: `${"k".repeat(40)}\u20ac` });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^stillup: API_KEY holds characters that no API key has/);
    expect(err).not.toContain("kkkk");
  });

  test.each(["nope", ".", ".."])("sends no request for what is no id: %s", async (id) => {
    const url = await nobodys();
    expect(await run(["deliveries", "show", id, "--url", url], KEY)).toEqual({
      code: 1,
      out: "",
      err: `stillup: There is no delivery ${id}.\n`,
    });
    expect((await run(["dead-letters", "retry", id, "--url", url], KEY)).err).toBe(
      `stillup: ${id} is not a dead letter, or not any more.\n`,
    );
  });

  test("shows how it is used when asked", async () => {
    for (const args of [
      ["dead-letters", "--help"],
      ["deliveries", "retry", "--help"],
    ]) {
      expect(await run(args, {})).toEqual({
        code: 0,
        out: expect.stringMatching(/^Usage: stillup .*retry --all/s),
        err: "",
      });
    }
    expect(await run(["--help"], {})).toEqual({
      code: 0,
      out: expect.stringMatching(/dead-letters, deliveries/),
      err: "",
    });
  });

  test("says where it looked, and what to do", async () => {
    const url = await nobodys();
    const { code, err } = await run(["deliveries", "list", "--url", url], KEY);
    expect([code, err]).toEqual([
      1,
      `stillup: No Stillup answers at ${url} (ECONNREFUSED). Start it, or name another address with --url or STILLUP_URL.\n`,
    ]);
  });

  test("says that it has no key", async () => {
    const { code, err } = await run(["deliveries", "list"], {});
    expect(code).toBe(1);
    expect(err).toMatch(
      /^stillup: There is no API key\. Set API_KEY; the key of `npm start` would be in \S+\.data\/api-key\.\n$/,
    );
  });

  test.each([
    [200, {}, "<html>", /The server at \S+ is not Stillup \(it responded 200\)\./],
    [502, { "content-type": "text/html" }, "<html>", /The server at \S+ is not Stillup \(it responded 502\)\./],
    [301, { location: "https://elsewhere.example/" }, "", /redirects to https:\/\/elsewhere\.example\/\. Name that/],
  ])("knows an answer of %i that is none of Stillup's", async (status, headers, body, message) => {
    const server = createServer((_, response) => response.writeHead(status, headers).end(body));
    const url = await listening(server);
    const { code, err } = await run(["deliveries", "retry", "--all"], { ...KEY, STILLUP_URL: url });
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });
});

/** An address where nothing listens. */
async function nobodys(): Promise<string> {
  const { port, close } = await serveTcp(() => {});
  await close();
  return `http://127.0.0.1:${port}`;
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test("npx stillup runs in a clone", async () => {
  const cache = await mkdtemp(join(tmpdir(), "stillup-npx-"));
  onTestFinished(() => rm(cache, { recursive: true }));
  const args = ["--offline", "--cache", cache, "stillup", "dead-letters", "--help"];
  expect(await spawned("npx", args, { PATH: process.env["PATH"] ?? "" })).toEqual({
    code: 0,
    out: expect.stringContaining("Usage: stillup <dead-letters | deliveries>"),
  });
});

test("npx stillup alone shows how it is used, and ends with 2", async () => {
  const child = spawn(process.execPath, [join(root, "local/stillup.mjs")], { stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const [code] = await once(child, "close");
  expect([code, err]).toEqual([2, expect.stringMatching(/^Usage: stillup /)]);
});

/** Runs a program in the clone; of this process' variables it gets none. */
async function spawned(command: string, args: readonly string[], env: Record<string, string>) {
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "ignore"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const [code] = await once(child, "close");
  return { code, out };
}

describe.skipIf(missing !== null)(`The command line, with Stillup${missing ? `: ${missing}` : ""},`, () => {
  let postgres: TestPostgres;
  let redis: TestRedis;
  let stillup: Stillup;
  let receiver: WebhookReceiver;
  let sql: SqlDriver;
  let origin: string;
  let variables: Record<string, string>;

  beforeAll(async () => {
    [postgres, redis, receiver] = await Promise.all([startPostgres(), startRedis(), startWebhookReceiver()]);
    const url = await postgres.createEmptyDatabase();
    stillup = await startStillup(dist(), url, redis.url);
    sql = createPostgresSql({ url });
    origin = stillup.services[0]?.origin ?? "";
    variables = { API_KEY: stillup.apiKey, STILLUP_URL: origin };
  });
  afterAll(async () => {
    await stillup?.stop();
    await sql?.close();
    await Promise.all([postgres?.stop(), redis?.stop(), receiver?.close()]);
  });
  beforeEach(async () => {
    await sql`delete from dead_letters`;
    await sql`delete from deliveries`;
  });

  const stillupCli = (...args: string[]) => run(args, variables);

  async function deadLetters(count: number, body: string): Promise<void> {
    await addDeadLetters(
      sql,
      times(count, (n) => ({ id: `msg_${n}`, stream: "alerts.due", messageId: `${n}`, body, attempts: 5 })),
    );
  }

  test("sets out dead letters, for people and as JSON", async () => {
    await deadLetters(1, "a\u001b[2J\n\u202eb");
    const { code, out } = await stillupCli("dead-letters", "list");
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(
        /^ID +SINCE +STREAM +TRIES +BYTES +REASON\nmsg_1 +20\S+Z +alerts\.due +5 +10 +It is rubbish\.\n$/,
      ),
    ]);
    const shown = await stillupCli("dead-letters", "show", "msg_1");
    expect(shown.out).toMatch(
      /^id +msg_1\nstream +alerts\.due\nreason +It is rubbish\.\n(.+\n)+\na\\u\{1b\}\[2J\n\\u\{202e\}b\n$/,
    );
    const json = JSON.parse((await stillupCli("dead-letters", "show", "msg_1", "--json")).out);
    expect(json).toMatchObject({ id: "msg_1", body: "a\u001b[2J\n\u202eb" });
    expect((await stillupCli("dead-letters", "list", "--stream", "checks.due")).out).toBe("No entries.\n");
  });

  test("says that there is more than it shows, and takes on all of it when asked", async () => {
    await deadLetters(260, '{"v":1,"ids":[]}');
    const some = await stillupCli("dead-letters", "list", "--json");
    expect(JSON.parse(some.out)).toMatchObject({ items: { length: 50 }, nextCursor: expect.any(String) });
    expect((await stillupCli("dead-letters", "list")).err).toBe(
      "stillup: More entries exist. Use --all to list them.\n",
    );
    const all = await stillupCli("dead-letters", "list", "--all", "--json");
    expect(JSON.parse(all.out)).toMatchObject({ items: { length: 260 }, nextCursor: null });
    expect((await stillupCli("dead-letters", "retry", "--all")).out).toBe("260 retried\n");
    expect((await stillupCli("dead-letters", "list")).out).toBe("No entries.\n");
  });

  test("does what it can, reports what it cannot, and then ends with 1", async () => {
    await deadLetters(3, '{"v":1,"ids":[]}');
    expect(await stillupCli("dead-letters", "drop", "msg_1", "msg_0", "msg_2")).toEqual({
      code: 1,
      out: "msg_1  dropped\nmsg_2  dropped\n",
      err: "stillup: msg_0 is not a dead letter, or not any more.\n",
    });
    const { code, out } = await stillupCli("dead-letters", "retry", "msg_3", "msg_3", "--json");
    expect([code, JSON.parse(out)]).toMatchObject([1, { retried: ["msg_3"], failed: [{ id: "msg_3" }] }]);
    expect((await stillupCli("dead-letters", "show", "msg_3")).code).toBe(1);
    expect((await stillupCli("deliveries", "show", "dlv_0")).err).toBe("stillup: There is no delivery dlv_0.\n");
    expect(await stillupCli("dead-letters", "list", "--stream", "x".repeat(201))).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^stillup: stream must be /),
    });
  });

  test("says that an address with a path is not Stillup", async () => {
    for (const line of ["deliveries list", "deliveries show dlv_1", "dead-letters retry msg_1"]) {
      const { code, err } = await stillupCli(...line.split(" "), "--url", `${origin}/elsewhere`);
      expect([code, err]).toEqual([
        1,
        expect.stringContaining(`The server at ${origin}/elsewhere is not Stillup (it responded 404).`),
      ]);
    }
  });

  test("says that its key is wrong", async () => {
    const { code, err } = await run(["dead-letters", "list"], { ...variables, API_KEY: "x".repeat(40) });
    expect(code).toBe(1);
    expect(err).toMatch(/does not accept this API key\. Set API_KEY/);
  });

  test("takes the key that npm start keeps where there is no other, in a clone with nothing installed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "stillup-cli-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const path of ["local/stillup.mjs", "local/cli", "runtime/api/id.mjs"])
      await cp(join(root, path), join(folder, path), { recursive: true });
    await mkdir(join(folder, ".data"));
    await writeFile(join(folder, ".data/api-key"), `${stillup.apiKey}\n`);
    const args = [join(folder, "local/stillup.mjs"), "dead-letters", "list"];
    expect(await spawned(process.execPath, args, { STILLUP_URL: origin })).toEqual({
      code: 0,
      out: "No entries.\n",
    });
  });

  test("gets a new dead letter for a message that its worker still cannot read", async () => {
    await deadLetters(1, "rubbish");
    expect(await stillupCli("dead-letters", "retry", "--all")).toEqual({ code: 0, out: "1 retried\n", err: "" });
    await vi.waitFor(
      async () => {
        const { items } = JSON.parse((await stillupCli("dead-letters", "list", "--json")).out);
        expect(items).toMatchObject([{ stream: "alerts.due", body: "rubbish", reason: "The message is not JSON." }]);
        expect(items[0].id).not.toBe("msg_1");
      },
      { timeout: 20_000, interval: 100 },
    );
  });

  test("has an exhausted delivery delivered, with the id it had", async () => {
    const channel = await stillup.api.call<{ id: string }>("POST", "/v1/channels", {
      name: "On call",
      type: "webhook",
      config: { url: receiver.url },
    });
    const monitor = await stillup.api.call<{ id: string }>("POST", "/v1/monitors", {
      name: "Shop",
      type: "http",
      url: "http://127.0.0.1:1/shop",
      intervalSeconds: 86_400,
    });
    const exhausted = { status: "exhausted", attempts: 10, lastError: "The receiver answered 500.", finishedAt: 0 };
    await addDeliveries(
      sql,
      times(3, (n) => ({
        ...exhausted,
        id: `dlv_${n}`,
        channelId: channel.id,
        monitorId: monitor.id,
        eventNumber: n,
        data: aMonitorChange(),
      })),
    );
    expect((await stillupCli("deliveries", "list")).out).toMatch(/dlv_1 +exhausted .* The receiver answered 500\.\n/);
    expect((await stillupCli("deliveries", "drop", "dlv_3")).out).toBe("dlv_3  dropped\n");
    expect((await stillupCli("deliveries", "retry", "dlv_1")).out).toBe("dlv_1  retried\n");
    await addDelivery(sql, {
      id: "dlv_4",
      channelId: "ch_none",
      monitorId: "mon_none",
      nextAttemptAt: "2100-01-01T00:00:00Z",
    });
    expect((await stillupCli("deliveries", "retry", "dlv_4")).out).toBe(
      "dlv_4  still pending, next try at 2100-01-01T00:00:00.000Z\n",
    );
    const rest = await stillupCli("deliveries", "retry", "--all", "--channel", channel.id, "--json");
    expect([rest.code, JSON.parse(rest.out)]).toEqual([0, { retried: 1 }]);
    await vi.waitFor(() => expect(receiver.arrivals.map(({ id }) => id)).toEqual(["dlv_1", "dlv_2"]), {
      timeout: 20_000,
    });
    await vi.waitFor(
      async () => {
        const { out } = await stillupCli("deliveries", "list", "--status", "any", "--monitor", monitor.id, "--json");
        const statuses = JSON.parse(out).items.map(({ status }: { status: string }) => status);
        expect(statuses.sort()).toEqual(["cancelled", "delivered", "delivered"]);
      },
      { timeout: 20_000, interval: 100 },
    );
    const again = await stillupCli("deliveries", "retry", "dlv_1", "dlv_3", "--json");
    expect([again.code, JSON.parse(again.out)]).toEqual([
      0,
      { retried: ["dlv_3"], unchanged: [{ id: "dlv_1", reason: "already delivered" }], failed: [] },
    ]);
  });
});
