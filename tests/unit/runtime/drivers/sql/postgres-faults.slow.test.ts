import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../../../../local/emulators/certificate.ts";
import { createPostgresSql, type PostgresOptions } from "../../../../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../../../../runtime/drivers/sql/sql.ts";
import type { StillupError } from "../../../../../runtime/errors.ts";
import { createMetrics } from "../../../../../runtime/metrics-registry.ts";
import { type OwnPostgres, ownPostgresMissing, startOwnPostgres } from "../../../../../testing/postgres.ts";
import { startScript } from "../../../../../testing/script.ts";

const because = (reason: string | null) => (reason === null ? "" : ` (skipped: ${reason})`);
const drivers: SqlDriver[] = [];
const connect = (options: PostgresOptions): SqlDriver => {
  const sql = createPostgresSql(options);
  drivers.push(sql);
  return sql;
};
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((sql) => sql.close()));
});

const errorOf = async (query: PromiseLike<unknown>): Promise<StillupError> =>
  await query.then(
    () => Promise.reject(new Error("It did not fail.")),
    (error: StillupError) => error,
  );

describe.skipIf(ownPostgresMissing !== null)(`Postgres in trouble${because(ownPostgresMissing)}`, () => {
  let server: OwnPostgres;
  let url: string;
  beforeAll(async () => {
    server = await startOwnPostgres();
    url = await server.createEmptyDatabase();
  });
  afterAll(() => server.stop());
  const pidOf = async (sql: SqlDriver): Promise<number> =>
    (await sql<{ pid: number }>`select pg_backend_pid() as pid`)[0]?.pid ?? 0;
  /** How many other sessions there are, by what they do. */
  const sessions = async (sql: SqlDriver, state: string): Promise<number> =>
    (
      await sql`
        select from pg_stat_activity
        where application_name = 'stillup' and state = ${state} and pid <> pg_backend_pid() and datname = current_database()`
    ).length;

  describe("a server that is away", () => {
    test("is named, and the password is not", async () => {
      const away = await startOwnPostgres();
      await away.stop();
      const error = await errorOf(connect({ url: away.url, connectTimeoutMs: 300 })`select 1`);
      expect(error).toMatchObject({ code: "database_unavailable", status: 503, transient: true });
      expect(error.message).toContain(`127.0.0.1:${away.port}/postgres`);
      expect(error.message).toContain("ECONNREFUSED");
      expect(error.message).not.toContain("p@ss");
    });

    test("is waited for while it may still come", async () => {
      const sql = connect({ url, connectTimeoutMs: 20_000, timeoutMs: 20_000 });
      await sql`select 1`;
      await server.shutDown();
      const rows = sql`select 'back' as state`.then((found) => found);
      await server.restart();
      expect(await rows).toEqual([{ state: "back" }]);
    });

    test("by an unknown name is named", async () => {
      const error =
        await errorOf(connect({ url: "postgres://u:p@stillup.invalid/db", connectTimeoutMs: 300 })`select 1`);
      expect(error).toMatchObject({ code: "database_unavailable" });
      expect(error.message).toContain("stillup.invalid:5432/db");
    });
  });

  describe("a server that has stopped in its tracks", () => {
    test("delays no statement for longer than its time-out, on old connections or new ones", async () => {
      const warm = connect({ url, timeoutMs: 1000 });
      await warm`select 1`;
      const cold = connect({ url, connectTimeoutMs: 300 });
      server.pause();
      try {
        const errors = await Promise.all([
          errorOf(warm`select 1`),
          errorOf(warm.transaction([warm`select 1`, warm`select 2`])),
          errorOf(cold`select 1`),
        ]);
        for (const error of errors) expect(error).toMatchObject({ code: "database_unavailable" });
        expect(errors[0]?.message).toContain("no answer within 1 s");
        await Promise.all([warm.close(), cold.close()]);
      } finally {
        server.resume();
      }
    });

    test("is used again when it goes on", async () => {
      const sql = connect({ url, timeoutMs: 1000 });
      await sql`select 1`;
      server.pause();
      await errorOf(sql`select 1`);
      server.resume();
      await expect.poll(async () => await sql`select 1 as one`.then(null, () => null)).toEqual([{ one: 1 }]);
    });
  });

  describe("a session that ends", () => {
    test.each([
      ["by an operator", false],
      ["by a crash", true],
    ])("%s in the middle of a statement fails that one, and the next works", async (_, crash) => {
      const [sql, other] = [connect({ url, maxConnections: 1 }), connect({ url })];
      const pid = await pidOf(sql);
      const sleeping = errorOf(sql`select pg_sleep(60)`);
      await expect.poll(() => sessions(other, "active")).toBe(1);
      if (crash) server.kill9Backend(pid);
      else await other`select pg_terminate_backend(${pid}::int)`;
      expect(await sleeping).toMatchObject({ code: "database_unavailable" });
      await expect.poll(async () => await sql`select 1 as one`.then(null, () => null)).toEqual([{ one: 1 }]);
    });

    test("in the middle of a list leaves nothing of it", async () => {
      const [sql, other] = [connect({ url, maxConnections: 1 }), connect({ url })];
      await sql.script("create table half (n int)");
      const pid = await pidOf(sql);
      const list = errorOf(
        sql.transaction([sql`insert into half values (1)`, sql`select pg_sleep(60)`, sql`insert into half values (2)`]),
      );
      await expect.poll(() => sessions(other, "active")).toBe(1);
      await other`select pg_terminate_backend(${pid}::int)`;
      expect(await list).toMatchObject({ code: "database_unavailable" });
      expect(await other`select n from half`).toEqual([]);
    });
  });

  describe("a statement that takes too long", () => {
    test("is given up by the client and by the server, and holds up no other", async () => {
      const [sql, other] = [connect({ url, timeoutMs: 1000 }), connect({ url })];
      const slow = errorOf(sql`select pg_sleep(60)`);
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
      expect(await slow).toMatchObject({ code: "database_unavailable" });
      await expect.poll(() => sessions(other, "active")).toBe(0);
    });

    test("is not cut short when it is a script", async () => {
      const sql = connect({ url, timeoutMs: 100 });
      await sql.script("select pg_sleep(0.3); select 1");
    });
  });

  describe("a login that is refused", () => {
    test("for its password fails at once and does not show it", async () => {
      const wrong = Object.assign(new URL(url), { password: "hunter2" }).href;
      const error = await errorOf(connect({ url: wrong })`select 1`);
      expect(error).toMatchObject({ code: "database_unavailable", sqlState: "28P01" });
      expect(error.message).toContain("password authentication failed");
      expect(error.message).not.toContain("hunter2");
    });

    test("for its database names it", async () => {
      const wrong = Object.assign(new URL(url), { pathname: "/nowhere" }).href;
      const error = await errorOf(connect({ url: wrong })`select 1`);
      expect(error).toMatchObject({ code: "database_unavailable", sqlState: "3D000" });
      expect(error.message).toContain("/nowhere");
    });
  });

  describe("connections", () => {
    test("are no more than allowed, and statements wait for one", async () => {
      const [sql, other] = [connect({ url, maxConnections: 2 }), connect({ url })];
      const pids = await Promise.all(Array.from({ length: 20 }, () => pidOf(sql)));
      expect(new Set(pids).size).toBeLessThanOrEqual(2);
      expect(await sessions(other, "idle")).toBeLessThanOrEqual(2);
    });

    test("have a limit to those who wait for one", async () => {
      const sql = connect({ url, maxConnections: 1, timeoutMs: 300 });
      const all = await Promise.allSettled(Array.from({ length: 1003 }, () => sql`select pg_sleep(60)`));
      const refused = all.filter((one) => one.status === "rejected" && /1000 statements wait/.test(String(one.reason)));
      expect(refused.length).toBeGreaterThan(0);
      expect(all.every((one) => one.status === "rejected")).toBe(true);
    });

    test("that nobody uses are closed", async () => {
      const [sql, other] = [connect({ url, idleTimeoutMs: 20 }), connect({ url })];
      await sql`select 1`;
      await expect.poll(() => sessions(other, "idle")).toBe(0);
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
    });

    test("are closed with what is under way finished and what comes later refused", async () => {
      const [sql, other] = [connect({ url }), connect({ url, maxConnections: 1 })];
      await other`select pg_advisory_lock(7)`;
      const running = sql`select pg_advisory_lock(7), 'done' as state`.then((rows) => rows);
      await expect.poll(() => sessions(other, "active")).toBe(1);
      const closed = Promise.all([sql.close(), sql.close()]);
      await other`select pg_advisory_unlock(7)`;
      await closed;
      expect(await running).toMatchObject([{ state: "done" }]);
      expect(await errorOf(sql`select 1`)).toMatchObject({ code: "database_unavailable" });
    });

    test("are counted by their trips", async () => {
      const metrics = createMetrics({ service: "test" });
      const sql = connect({ url, metrics });
      await sql`select 1`;
      await sql.transaction([sql`select 1`, sql`select 2`]);
      const text = await metrics.render();
      for (const kind of ["query", "transaction"]) {
        expect(text).toContain(`stillup_driver_calls_total{driver="postgres",kind="${kind}",service="test"} 1`);
      }
    });
  });

  describe("a plan that went stale", () => {
    test("in a list fails the list, and nothing of it is done later by itself", async () => {
      const [sql, other] = [connect({ url, maxConnections: 1 }), connect({ url })];
      await sql.script("create table notes (n int); create table marks (n int)");
      const list = () => [sql`insert into notes values (1)`, sql`insert into marks values (${1}) returning *`];
      await sql.transaction(list());
      await other.script("alter table marks add column more text");
      expect(await errorOf(sql.transaction(list()))).toMatchObject({ code: "database_error", sqlState: "0A000" });
      expect(
        await sql`select (select count(*)::int from notes) as notes, (select count(*)::int from marks) as marks`,
      ).toEqual([{ notes: 1, marks: 1 }]);
      expect(await sql.transaction(list())).toEqual([[], [{ n: 1, more: null }]]);
    });

    test("alone is planned again", async () => {
      const [sql, other] = [connect({ url, maxConnections: 1 }), connect({ url })];
      await sql.script("create table plain (n int); insert into plain values (1)");
      const read = async () => await sql`select * from plain where n = ${1}`;
      expect(await read()).toEqual([{ n: 1 }]);
      await other.script("alter table plain add column more text");
      expect(await read()).toEqual([{ n: 1, more: null }]);
    });
  });
});

describe("A port where something else answers", () => {
  const listen = async (onSocket: (socket: Socket) => void) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on("error", () => {}));
      onSocket(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return {
      url: `postgres://u:p@127.0.0.1:${typeof address === "object" ? address?.port : 0}/db`,
      close: () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    };
  };

  test.each([
    ["closes at once, like a proxy without its database", "", (socket: Socket) => socket.end()],
    [
      "closes when it is asked for TLS",
      "?sslmode=require",
      (socket: Socket) => socket.once("data", () => socket.end()),
    ],
    ["never says a word", "", () => {}],
    ["never says a word about TLS", "?sslmode=require", () => {}],
    ["speaks another protocol", "", (socket: Socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ])("is given up when it %s", async (_, parameters, onSocket) => {
    const port = await listen(onSocket);
    const sql = connect({ url: port.url + parameters, connectTimeoutMs: 300 });
    expect(await errorOf(sql`select 1`)).toMatchObject({ code: "database_unavailable" });
    port.close();
  });
});

describe.skipIf(ownPostgresMissing !== null)(`Postgres over TLS${because(ownPostgresMissing)}`, () => {
  let server: OwnPostgres;
  let folder: string;
  beforeAll(async () => {
    const authority = await createAuthority();
    const { cert, key } = await authority.issue(["localhost"]);
    folder = await mkdtemp(join(tmpdir(), "stillup-authority-"));
    await writeFile(join(folder, "authority.pem"), authority.cert);
    server = await startOwnPostgres({
      settings: ["ssl=on", "ssl_cert_file=server.pem", "ssl_key_file=server.key"],
      files: { "server.pem": cert, "server.key": key, "pg_hba.conf": "hostssl all all all scram-sha-256\n" },
    });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });
  const urlWith = (host: string, parameters: string) => `${server.url.replace("127.0.0.1", host)}${parameters}`;

  test("a server that wants it refuses plain connections", async () => {
    const error = await errorOf(connect({ url: server.url })`select 1`);
    expect(error).toMatchObject({ code: "database_unavailable", sqlState: "28000" });
    expect(error.message).toContain("no encryption");
  });

  test.each(["require", "verify-ca", "verify-full"])(
    "sslmode=%s refuses a certificate that nobody vouches for",
    async (mode) => {
      const error = await errorOf(connect({ url: urlWith("localhost", `?sslmode=${mode}`) })`select 1`);
      expect(error).toMatchObject({ code: "database_unavailable" });
      expect(error.message).toContain("NODE_EXTRA_CA_CERTS");
    },
  );

  test("a server without it is refused when sslmode asks for it", async () => {
    const plain = await startOwnPostgres();
    const error = await errorOf(connect({ url: `${plain.url}?sslmode=require` })`select 1`);
    await plain.stop();
    expect(error).toMatchObject({ code: "database_unavailable" });
    expect(error.message).toContain("does not support SSL");
  });

  const printed = async (url: string): Promise<string | null> => {
    const variables = { NODE_EXTRA_CA_CERTS: join(folder, "authority.pem") };
    const script = await startScript("select-over-tls", { args: [url], variables });
    const line = await script.nextLine();
    expect(await script.ended).toBe(0);
    return line;
  };

  test("works with a certificate that is vouched for, whatever else the URL says", async () => {
    const parameters = "?sslmode=require&channel_binding=require&nonsense=1";
    expect(await printed(urlWith("localhost", parameters))).toMatch(/^TLSv1\.[23]$/);
  });

  test("refuses a certificate for another name", async () => {
    expect(await printed(urlWith("127.0.0.1", "?sslmode=require"))).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
  });
});
