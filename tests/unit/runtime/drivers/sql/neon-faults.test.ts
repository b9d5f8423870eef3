import { inspect } from "node:util";
import { buildConnector } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../../../../local/emulators/certificate.ts";
import { errorBody } from "../../../../../local/emulators/neon-error.ts";
import type { NeonFaults } from "../../../../../local/emulators/neon-faults.ts";
import { createNeonSql, type NeonOptions } from "../../../../../runtime/drivers/sql/neon.ts";
import { createPostgresSql } from "../../../../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../../../../runtime/drivers/sql/sql.ts";
import { errorFields, type StillupError } from "../../../../../runtime/errors.ts";
import type { Metrics } from "../../../../../runtime/metrics.ts";
import { createMetrics } from "../../../../../runtime/metrics-registry.ts";
import { startNeon, type TestNeon } from "../../../../../testing/neon.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../../../testing/postgres.ts";

const because = postgresMissing === null ? "" : ` (skipped: ${postgresMissing})`;
const LIMIT = 100_000;

/** Trips to Neon by kind. */
async function callsIn(metrics: Metrics): Promise<Record<string, number>> {
  const lines = (await metrics.render()).matchAll(
    /^stillup_driver_calls_total\{driver="neon",kind="(\w+)".*\} (\d+)$/gm,
  );
  return Object.fromEntries([...lines].map(([, kind, count]) => [kind, Number(count)]));
}

describe.skipIf(postgresMissing !== null)(`Neon in trouble${because}`, () => {
  let postgres: TestPostgres;
  let neon: TestNeon;
  let database: string;
  /** The same database, past the emulator. */
  let tcp: SqlDriver;
  beforeAll(async () => {
    postgres = await startPostgres();
    neon = await startNeon(postgres.url, { maxRequestBytes: LIMIT, maxResponseBytes: LIMIT });
    database = await postgres.createEmptyDatabase();
    tcp = createPostgresSql({ url: database });
    await tcp.script("create table log (n int)");
  });
  const drivers: SqlDriver[] = [];
  afterEach(async () => {
    neon.emulator.faults.reset();
    await Promise.all(drivers.splice(0).map((sql) => sql.close()));
    await tcp`delete from log`;
  });
  afterAll(async () => {
    await neon.close();
    await tcp.close();
    await postgres.stop();
  });

  const connect = (options: Partial<NeonOptions> = {}): SqlDriver => {
    const sql = createNeonSql({ url: neon.urlOf(database), fetchOptions: neon.fetchOptions, ...options });
    drivers.push(sql);
    return sql;
  };
  /** The URL, changed. */
  const urlWith = (change: (url: URL) => void): string => {
    const url = new URL(neon.urlOf(database));
    change(url);
    return url.href;
  };
  const given = (faults: Partial<NeonFaults>) => neon.emulator.faults.set(faults);
  const answering = (status: number, body: string, times: number | null = null) =>
    given({ answer: { status, body, times } });
  const logged = async () => (await tcp`select from log`).length;
  const errorOf = async (query: PromiseLike<unknown>): Promise<StillupError> => {
    const error = await query.then(
      () => Promise.reject(new Error("It did not fail.")),
      (reason: StillupError) => reason,
    );
    expectNoSecret(error);
    return error;
  };
  const expectNoSecret = (error: unknown) => {
    const { password } = new URL(database);
    const everything = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true });
    for (const text of [everything, JSON.stringify(errorFields(error))]) {
      expect(text).not.toContain(password);
      expect(text).not.toContain(decodeURIComponent(password));
    }
  };

  describe("is waited for, and the statement carried out once,", () => {
    test.each([
      ["when the server is just starting", 500, errorBody("the database system is starting up", { code: "57P03" })],
      ["when the server has no connection to spare", 500, errorBody("too many clients already", { code: "53300" })],
      ["when the control plane has trouble", 500, errorBody("Control plane request failed")],
      ["when the proxy cannot reach the server", 500, errorBody("error connecting to server: timed out")],
      ["when the proxy lets in no more", 500, errorBody("Too many connections attempts")],
      ["when it asks for patience", 429, "Too Many Requests"],
    ])("%s", async (_, status, body) => {
      answering(status, body, 2);
      await connect()`insert into log values (1)`;
      expect(await logged()).toBe(1);
    });

    test.each([
      ["refuses", true],
      ["waits", false],
    ])("when it sleeps and %s until it is awake", async (_, refuses) => {
      given({ sleep: { wakeMs: 300, refuses } });
      await connect()`insert into log values (1)`;
      expect(await logged()).toBe(1);
    });

    test("when there is no connection to it at first", async () => {
      const failures = [
        Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" }),
        Object.assign(new Error("getaddrinfo EAI_AGAIN"), { code: "EAI_AGAIN", syscall: "getaddrinfo" }),
        new AggregateError([Object.assign(new Error(), { code: "ENETUNREACH", syscall: "connect" })]),
      ];
      const fetchOptions = neon.fetchVia((options, done) => {
        const failure = failures.shift();
        if (failure === undefined) neon.connect(options, done);
        else done(failure, null);
      });
      await connect({ fetchOptions })`insert into log values (1)`;
      expect([failures.length, await logged()]).toEqual([0, 1]);
    });

    test("when a list is refused", async () => {
      answering(500, errorBody("the database system is starting up", { code: "57P03" }), 1);
      const sql = connect();
      await sql.transaction([sql`insert into log values (1)`, sql`insert into log values (2)`]);
      expect(await logged()).toBe(2);
    });

    test("for no longer than its time-out, and then the reason is reported", async () => {
      answering(500, errorBody("the database system is starting up", { code: "57P03" }));
      const error = await errorOf(connect({ timeoutMs: 1500 })`select 1`);
      expect(error).toMatchObject({ code: "database_unavailable", sqlState: "57P03" });
      expect(error.message).toContain("the database system is starting up");
    });
  });

  describe("is not asked twice", () => {
    const insertOnce = async () => {
      const metrics = createMetrics({ service: "test" });
      const error = await errorOf(connect({ metrics })`insert into log values (1)`);
      expect(error).toMatchObject({ code: "database_unavailable", transient: true });
      expect(await callsIn(metrics)).toEqual({ query: 1 });
      return error;
    };

    test("when the reply was lost after the commit", async () => {
      given({ dropReplies: 1 });
      await insertOnce();
      expect(await logged()).toBe(1);
    });

    test.each([
      ["a gateway's 502", 502, "<html>Bad Gateway</html>"],
      ["a gateway's 503", 503, "Service Unavailable"],
      ["a gateway's 504", 504, ""],
      ["an error of nobody knows whom", 500, errorBody("Internal Server Error")],
      ["a connection that broke in the middle", 400, errorBody("error communicating with the server: closed")],
      ["a server that was shut down in the middle", 400, errorBody("terminating connection", { code: "57P01" })],
      ["a server that crashed in the middle", 400, errorBody("terminating connection", { code: "57P02" })],
      ["a proxy that cancelled it", 400, errorBody("Query cancelled", { code: "08P01" })],
      ["a 400 that is not JSON", 400, "<html>Bad Request</html>"],
      ["a 400 that is JSON, but no object", 400, "null"],
      ["a 200 that is not JSON", 200, "<html>Log in to the network</html>"],
      ["a 200 that ends early", 200, '{"results":[{"fields":['],
      ["a 200 that is something else", 200, "{}"],
    ])("after %s", async (_, status, body) => {
      answering(status, body);
      const error = await insertOnce();
      expect(error.message).not.toMatch(/SyntaxError|html|undefined/);
    });
  });

  describe("says what to do", () => {
    test.each([
      ["a wrong password", (url: URL) => Object.assign(url, { password: "wrong" }), /copy the connection string/],
      ["a user who is not there", (url: URL) => Object.assign(url, { username: "nobody" }), /copy the connection/],
      ["a database that is not there", (url: URL) => Object.assign(url, { pathname: "/nothing" }), /the URL's path/],
      [
        "an endpoint that is not there",
        (url: URL) => Object.assign(url, { hostname: url.hostname.replace("test", "other") }),
        /no such endpoint; check the host name/,
      ],
    ])("about %s", async (_, change, advice) => {
      const sql = connect({ url: urlWith(change) });
      const error = await errorOf(sql`select 1`);
      expect(error).toMatchObject({ code: "database_unavailable", message: expect.stringMatching(advice) });
    });

    test.each([
      [
        "by transfer",
        402,
        errorBody("Your project has exceeded the data transfer quota. Upgrade your plan.", { code: "XX000" }),
      ],
      ["in other words", 402, ""],
      ["by time", 500, errorBody("Your account or project has exceeded the compute time quota.")],
      ["by others of the project", 500, errorBody("You have exceeded the limit of concurrently active endpoints.")],
    ])("about a plan that is used up %s", async (_, status, body) => {
      answering(status, body);
      const error = await errorOf(connect()`select 1`);
      expect(error).toMatchObject({ code: "database_unavailable" });
      expect(error.message).toContain("a limit of its plan is reached; raise it in Neon's console");
    });

    test.each([
      ["Control plane request failed: endpoint is disabled", /the endpoint is disabled/],
      ["This IP address 192.0.2.1 is not allowed to connect to this endpoint.", /IP Allow/],
    ])("about %s", async (message, advice) => {
      answering(message.includes("IP") ? 400 : 500, errorBody(message));
      expect((await errorOf(connect()`select 1`)).message).toMatch(advice);
    });

    test("about an unknown name", async () => {
      const failure = { code: "ENOTFOUND", syscall: "getaddrinfo" };
      const fetchOptions = neon.fetchVia((_, done) => done(Object.assign(new Error("getaddrinfo"), failure), null));
      const error = await errorOf(connect({ fetchOptions, timeoutMs: 300 })`select 1`);
      expect(error.message).toContain("its name was not found (ENOTFOUND); check the host name");
    });

    test("about a certificate that has expired", async () => {
      given({ expiredCertificate: true });
      const error = await errorOf(connect({ fetchOptions: neon.fetchVia(neon.connect) })`select 1`);
      expect(error.message).toContain("its certificate has expired; check this machine's clock");
    });

    test("about a certificate that is not trusted", async () => {
      const stranger = buildConnector({ ca: (await createAuthority()).cert });
      const fetchOptions = neon.fetchVia((options, done) => stranger({ ...options, ...neon.address }, done));
      const error = await errorOf(connect({ fetchOptions })`select 1`);
      expect(error.message).toContain("name the CA's file in NODE_EXTRA_CA_CERTS");
    });
  });

  describe("with too much to carry", () => {
    test("refuses a statement that is too large, for good", async () => {
      const error = await errorOf(connect()`select ${"x".repeat(LIMIT)}::text`);
      expect(error).toMatchObject({ code: "database_error", transient: false });
      expect(error.message).toContain("the statement is larger than Neon takes");
    });

    test("refuses rows that are too large, and keeps nothing of the list", async () => {
      const sql = connect();
      const list = sql.transaction([sql`insert into log values (1)`, sql`select repeat('x', ${LIMIT})`]);
      const error = await errorOf(list);
      expect(error).toMatchObject({ code: "database_error", transient: false });
      expect(error.message).toContain("its rows are larger than Neon answers with");
      expect(await logged()).toBe(0);
    });

    test("is not sent more at once than said, and not more than 1000 wait", async () => {
      given({ latencyMs: 60_000 });
      const sql = connect({ timeoutMs: 500, maxRequests: 3 });
      const errors = await Promise.all(Array.from({ length: 1004 }, () => errorOf(sql`select 1`)));
      const messages = errors.map(({ message }) => message);
      expect(messages.filter((message) => message.includes("1000 statements wait already"))).toHaveLength(1);
      expect(messages.filter((message) => message.includes("no answer within 0.5 s"))).toHaveLength(1003);
    });
  });

  describe("that is slow", () => {
    test("is given up in time", async () => {
      given({ latencyMs: 60_000 });
      const error = await errorOf(connect({ timeoutMs: 200 })`select 1`);
      expect(error).toMatchObject({ code: "database_unavailable" });
      expect(error.message).toContain("no answer within 0.2 s");
    });

    test("does not go on with a statement whose caller is gone", async () => {
      const error = await errorOf(connect({ timeoutMs: 300 })`select pg_sleep(60)`);
      expect(error).toMatchObject({ code: "database_unavailable" });
      const running = async () =>
        await tcp`
          select from pg_stat_activity
          where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()`;
      await expect.poll(running).toEqual([]);
    });

    test("ends a statement by itself, should the proxy not", async () => {
      const [row] = await connect({ timeoutMs: 12_345 })<{ bound: string }>`
        select current_setting('statement_timeout') as bound`;
      expect(row).toEqual({ bound: "12345ms" });
    });
  });

  describe("that is being closed", () => {
    test("lets what is under way finish and takes nothing more", async () => {
      const sql = connect();
      const underWay = sql`insert into log values (1)`.then((rows) => rows);
      const closed = sql.close();
      expect((await errorOf(sql`select 1`)).message).toContain("closed");
      await closed;
      expect(await logged()).toBe(1);
      expect(await underWay).toEqual([]);
    });

    test("refuses what waits for room", async () => {
      given({ latencyMs: 100 });
      const sql = connect({ maxRequests: 1 });
      const first = sql`select 1 as one`.then((rows) => rows);
      const second = errorOf(sql`select 2`);
      await sql.close();
      expect(await first).toEqual([{ one: 1 }]);
      expect(await second).toMatchObject({ code: "database_unavailable" });
    });
  });

  describe("keeps to itself", () => {
    test.each([
      ["a page", 502, (secret: string) => `<html>You sent Neon-Connection-String: ${secret}</html>`],
      ["a refusal", 400, (secret: string) => errorBody(`cannot read ${secret}`)],
      ["an SQL error", 400, (secret: string) => errorBody(`cannot read ${secret}`, { code: "XX000" })],
      ["an error", 500, (secret: string) => errorBody(secret)],
    ])("the password, though %s echoes it", async (_, status, bodyWith) => {
      const url = neon.urlOf(database);
      for (const secret of [url, new URL(url).password, decodeURIComponent(new URL(url).password)]) {
        answering(status, bodyWith(secret));
        await errorOf(connect()`select 1`);
      }
    });

    test("the connection string, though a redirect asks for it elsewhere", async () => {
      const hosts: string[] = [];
      const fetchOptions = neon.fetchVia((options, done) => {
        hosts.push(options.hostname);
        neon.connect(options, done);
      });
      const elsewhere = { Location: "https://elsewhere.example/sql" };
      given({ answer: { status: 307, body: "", headers: elsewhere, times: null } });
      const error = await errorOf(connect({ fetchOptions })`select 1`);
      expect(hosts).toEqual(["api.c-0.local-1.aws.neon.tech"]);
      expect(error).toMatchObject({ code: "database_unavailable", message: expect.stringContaining("HTTP 307") });
    });

    test("the password of a URL that the driver cannot read", async () => {
      const url = urlWith(() => {}).replace("@ep-", "@1.2.3.4.5?@ep-");
      await errorOf((async () => await connect({ url })`select 1`)());
    });
  });

  test("statements keep to UTC and ISO dates, whatever the role's defaults are", async () => {
    await tcp.script(
      "alter role current_user set timezone = 'Asia/Tokyo'; alter role current_user set datestyle = 'German'",
    );
    const sql = connect({ url: neon.urlOf(await postgres.createEmptyDatabase()) });
    const rows = await sql`select current_setting('TimeZone') as zone, '2026-03-01T00:00Z'::timestamptz as at`;
    await tcp.script("alter role current_user reset timezone; alter role current_user reset datestyle");
    expect(rows).toEqual([{ zone: "UTC", at: new Date("2026-03-01T00:00:00Z") }]);
  });

  test("scripts are refused, and it is said where they go", async () => {
    const error = await errorOf(connect().script("select 1"));
    expect(error).toMatchObject({ code: "invalid_configuration", message: expect.stringContaining("over TCP") });
  });

  test("calls are counted by kind", async () => {
    const metrics = createMetrics({ service: "test" });
    const sql = connect({ metrics });
    await sql`select 1`;
    await sql.transaction([sql`select 1`, sql`select 2`]);
    expect(await callsIn(metrics)).toEqual({ query: 1, transaction: 1 });
  });
});
