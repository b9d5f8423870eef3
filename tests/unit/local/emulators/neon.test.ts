import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Authority, openAuthority } from "../../../../local/emulators/certificate.ts";
import { type NeonEmulator, startNeonEmulator } from "../../../../local/emulators/neon.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../../testing/postgres.ts";
import { startScript } from "../../../../testing/script.ts";

const because = postgresMissing === null ? "" : ` (skipped: ${postgresMissing})`;
// Any label will do for the emulator; this one is a name that every machine knows.
const HOST = "localhost";

describe.skipIf(postgresMissing !== null)(`Neon's emulator${because}`, () => {
  let postgres: TestPostgres;
  let folder: string;
  let authority: Authority;
  let neon: NeonEmulator;
  let database: URL;
  beforeAll(async () => {
    postgres = await startPostgres();
    folder = await mkdtemp(join(tmpdir(), "stillup-authority-"));
    authority = await openAuthority(folder);
    const { hostname, port } = new URL(postgres.url);
    neon = await startNeonEmulator({ postgres: { host: hostname, port: Number(port || 5432) }, host: HOST, authority });
    database = new URL(await postgres.createEmptyDatabase());
    database.hostname = HOST;
  });
  afterEach(() => neon.faults.reset());
  afterAll(async () => {
    await neon.close();
    await postgres.stop();
    await rm(folder, { recursive: true });
  });

  interface Answer {
    readonly status: number;
    readonly headers: NodeJS.Dict<string | string[]>;
    readonly body: Record<string, unknown>;
  }

  /** One request as Neon's driver makes it, with other headers or another body. */
  const post = async (body: unknown, headers: Record<string, string> = {}, path = "/sql"): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const all = {
        "Neon-Connection-String": database.href,
        "Neon-Raw-Text-Output": "true",
        "Neon-Array-Mode": "true",
        ...headers,
      };
      const options = { host: "127.0.0.1", port: neon.httpsPort, servername: HOST, ca: authority.cert, agent: false };
      request({ ...options, method: "POST", path, headers: all }, async (response) => {
        const { statusCode: status = 0, headers: given } = response;
        resolve({ status, headers: given, body: JSON.parse(await text(response)) });
      })
        .on("error", reject)
        .end(typeof body === "string" ? body : JSON.stringify(body));
    });

  describe("over HTTP", () => {
    test("answers with text, arrays, and Postgres' description of each column", async () => {
      const { status, headers, body } = await post({
        query: "select $1::int8 as n, null as nothing",
        params: ["7"],
      });
      const field = { tableID: 0, columnID: 0, dataTypeModifier: -1, format: "text" };
      expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
      expect(body).toEqual({
        fields: [
          { ...field, name: "n", dataTypeID: 20, dataTypeSize: 8 },
          { ...field, name: "nothing", dataTypeID: 25, dataTypeSize: -1 },
        ],
        rows: [["7", null]],
        command: "SELECT",
        rowCount: 1,
        rowAsArray: true,
      });
    });

    test("answers with objects when arrays are not asked for", async () => {
      const { body } = await post({ query: "select 1 as one" }, { "Neon-Array-Mode": "false" });
      expect(body).toMatchObject({ rows: [{ one: "1" }], rowAsArray: false });
    });

    test("turns other parameters into text, and arrays into Postgres arrays", async () => {
      const params = [1.5, true, { a: [1] }, ["x", null, 'q"', 2, ["y"]]];
      const { body } = await post({ query: "select $1::text, $2::text, $3::text, $4::text", params });
      expect(body["rows"]).toEqual([["1.5", "true", '{"a":[1]}', '{"x",NULL,"q\\"",2,{"y"}}']]);
    });

    test("runs a list as one transaction with the requested isolation", async () => {
      const kind = {
        "Neon-Batch-Isolation-Level": "Serializable",
        "Neon-Batch-Read-Only": "true",
        "Neon-Batch-Deferrable": "true",
      };
      const settings = ["transaction_isolation", "transaction_read_only", "transaction_deferrable"];
      const queries = settings.map((name) => ({ query: "select current_setting($1)", params: [name] }));
      const { body } = await post({ queries }, kind);
      const results = body["results"] as { rows: string[][] }[];
      expect(results.map(({ rows }) => rows[0]?.[0])).toEqual(["serializable", "on", "on"]);
    });

    test("answers every field of a Postgres error", async () => {
      await post({ query: "create table unique_things (n int primary key)" });
      await post({ query: "insert into unique_things values (1)" });
      const { status, body } = await post({ query: "insert into unique_things values (1)" });
      expect(status).toBe(400);
      expect(body).toMatchObject({
        message: expect.stringContaining("duplicate key"),
        code: "23505",
        severity: "ERROR",
        detail: "Key (n)=(1) already exists.",
        table: "unique_things",
        constraint: "unique_things_pkey",
        hint: null,
        position: null,
      });
    });

    test("keeps nothing of one request for the next", async () => {
      const work = { query: "select set_config('search_path', 'elsewhere', false), pg_advisory_lock(1)" };
      await post(work);
      const { body } = await post({ query: "select current_setting('search_path'), pg_try_advisory_lock(1)::text" });
      expect(body["rows"]).toEqual([['"$user", public', "true"]]);
    });

    test.each([
      ["several statements in one", { query: "select 1; select 2" }, 400, "42601"],
      ["a body that is not JSON", "no", 400, ""],
      ["half a surrogate pair", '{"query":"select $1","params":["\\ud800"]}', 400, ""],
      ["queries that are not a list", { queries: 1 }, 400, ""],
    ])("refuses %s", async (_, body, status, code) => {
      const answer = await post(body);
      expect(answer).toMatchObject({ status, body: { code, message: expect.stringMatching(/./) } });
    });

    test.each([
      ["an unknown isolation level", { "Neon-Batch-Isolation-Level": "Chaos" }, "invalid isolation level"],
      ["no connection string", { "Neon-Connection-String": "" }, "invalid connection string"],
    ])("refuses %s", async (_, headers, message) => {
      const answer = await post({ queries: [] }, headers);
      expect(answer).toMatchObject({ status: 400, body: { code: "", message: expect.stringContaining(message) } });
    });

    test.each([
      ["a database that does not exist", { pathname: "/nothing" }, 500, "3D000", "does not exist"],
      ["a wrong password", { password: "wrong" }, 400, "", "password authentication failed"],
      ["another host", { hostname: "ep-other.neon.tech" }, 400, "", "endpoint could not be found"],
    ])("refuses %s", async (_, change, status, code, message) => {
      const url = Object.assign(new URL(database), change);
      const answer = await post({ query: "select 1" }, { "Neon-Connection-String": url.href });
      expect(answer).toMatchObject({ status, body: { code, message: expect.stringContaining(message) } });
    });

    test("counts its requests and statements", async () => {
      const { query, transaction, statements } = structuredClone(neon.counts);
      await post({ query: "select 1" });
      await post({ queries: [{ query: "select 1" }, { query: "create temp table t (n int)" }] });
      expect(neon.counts).toMatchObject({
        query: query + 1,
        transaction: transaction + 1,
        statements: { SELECT: (statements["SELECT"] ?? 0) + 2, CREATE: (statements["CREATE"] ?? 0) + 1 },
      });
    });
  });

  describe("over TCP", () => {
    const url = () => {
      const direct = new URL(database);
      direct.port = String(neon.tcpPort);
      return direct;
    };
    const connectWith = async (ca: string, servername = HOST): Promise<string> => {
      const { username: user, password, pathname, port } = url();
      const client = new Client({
        host: "127.0.0.1",
        port: Number(port),
        user,
        password: decodeURIComponent(password),
        database: pathname.slice(1),
        ssl: { ca, servername, checkServerIdentity: () => undefined },
      });
      try {
        await client.connect();
        const { rows } = await client.query<{ state: string }>("select 'in' as state");
        return rows[0]?.state ?? "";
      } catch (error) {
        return String(error);
      } finally {
        await client.end().catch(() => {});
      }
    };

    test("accepts a connection over TLS by the endpoint's name", async () => {
      expect(await connectWith(authority.cert)).toBe("in");
      expect(await connectWith(authority.cert, "localhost-pooler")).toBe("in");
      expect(await connectWith(authority.cert, "ep-other.neon.tech")).toContain("endpoint could not be found");
    });

    test("shows an expired certificate when its faults say so", async () => {
      neon.faults.set({ expiredCertificate: true });
      expect(await connectWith(authority.cert)).toContain("certificate has expired");
    });

    test("refuses a connection without TLS as Neon does", async () => {
      const socket = connect(neon.tcpPort, "127.0.0.1");
      const startup = Buffer.from("\0\0\0\x0f\0\x03\0\0user\0a\0\0");
      socket.write(startup);
      expect(await text(socket)).toContain("connection is insecure (try using `sslmode=require`)");
    });

    test("wakes a sleeping database, and closes connections until then when its faults say so", async () => {
      neon.faults.set({ sleep: { wakeMs: 60_000, refuses: true } });
      expect(await connectWith(authority.cert)).toContain("Connection terminated unexpectedly");
      neon.faults.set({ sleep: { wakeMs: 100, refuses: false } });
      expect(await connectWith(authority.cert)).toBe("in");
      expect(neon.faults.current.sleep).toBeNull();
    });

    test("runs migrations", async () => {
      const migrations = join(import.meta.dirname, "../../../../migrations");
      const args = [`${url().href}?sslmode=require`, migrations];
      const variables = { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
      const script = await startScript("migrate-over-tls", { args, variables });
      expect(await script.nextLine()).toMatch(/^applied [1-9]/);
      expect(await script.ended).toBe(0);
    });
  });

  test("clients that trusted an authority trust it again after a restart", async () => {
    const again = await openAuthority(folder);
    const { hostname, port } = new URL(postgres.url);
    const restarted = await startNeonEmulator({
      postgres: { host: hostname, port: Number(port || 5432) },
      host: HOST,
      authority: again,
    });
    const options = {
      host: "127.0.0.1",
      port: restarted.httpsPort,
      servername: HOST,
      ca: authority.cert,
      agent: false,
    };
    const status = await new Promise((resolve, reject) => {
      request(options, (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    await restarted.close();
    expect(status).toBe(404);
  });
});
