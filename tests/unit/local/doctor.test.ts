import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Authority, createAuthority } from "../../../local/emulators/certificate.ts";
import { startUpstashEmulator, type UpstashEmulator } from "../../../local/emulators/upstash.ts";
import { useDist } from "../../../testing/dist.ts";
import { ownPostgresMissing, startOwnPostgres, type TestPostgres } from "../../../testing/postgres.ts";
import { startProgram } from "../../../testing/program.ts";
import { type OwnRedis, ownRedisMissing, startOwnRedis } from "../../../testing/redis.ts";

const missing = ownPostgresMissing ?? ownRedisMissing;
const API_KEY = "k".repeat(40);
const TOKEN = "the-secret-token";

interface Check {
  readonly area: string;
  readonly check: string;
  readonly status: "ok" | "fail" | "skip";
  readonly detail: string;
}

describe.skipIf(missing !== null)(`doctor${missing === null ? "" : `: ${missing}`}`, { timeout: 60_000 }, () => {
  const dist = useDist();
  let folder: string;
  let postgres: TestPostgres;
  let redis: OwnRedis;
  let authority: Authority;
  let upstash: UpstashEmulator;
  let good: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stillup-doctor-"));
    [postgres, redis] = await Promise.all([startOwnPostgres(), startOwnRedis(["--requirepass", "hunter2"])]);
    authority = await createAuthority();
    await writeFile(join(folder, "ca.pem"), authority.cert);
    upstash = await startUpstashEmulator({
      redisUrl: redis.url.replace("//", "//:hunter2@"),
      token: TOKEN,
      tls: { authority, name: "localhost" },
    });
  });
  afterAll(async () => {
    await upstash?.close();
    await Promise.all([postgres?.stop(), redis?.stop()]);
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    upstash.faults.reset();
    good = {
      DATABASE_URL: await postgres.createEmptyDatabase(),
      REDIS_URL: redis.url.replace("//", "//:hunter2@"),
      API_KEY,
    };
  });

  const doctor = async (variables: Record<string, string>, ...args: string[]) => {
    const program = startProgram(dist(), ["doctor", ...args], variables);
    return { code: await program.exit, out: program.stdout(), err: program.stderr() };
  };
  const checksOf = async (variables: Record<string, string>) => {
    const { code, out } = await doctor(variables, "--json");
    const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: Check[] };
    expect(ok).toBe(code === 0);
    for (const secret of ["hunter2", TOKEN, API_KEY, "p%40ss"]) expect(out).not.toContain(secret);
    return checks;
  };
  /** What failed, and nothing else may have: its name and what is said of it. */
  const failureOf = async (variables: Record<string, string>) => {
    const failed = (await checksOf(variables)).filter(({ status }) => status === "fail");
    expect(failed.map(({ area, check }) => `${area} ${check}`)).toHaveLength(1);
    return failed[0];
  };
  const overHttp = (): Record<string, string> => ({
    ...good,
    REDIS_URL: "",
    UPSTASH_REDIS_REST_URL: upstash.url,
    UPSTASH_REDIS_REST_TOKEN: TOKEN,
    NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"),
  });

  test("finds nothing wrong before the first start, says what migrate will do, and ends with 0", async () => {
    const { code, out, err } = await doctor(good);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^ok +database +version +Postgres 1\d/m);
    expect(out).toMatch(/^ok +database +round trip +[\d.]+ ms/m);
    expect(out).toMatch(/^ok +database +clock +the database's is 0\.\d s/m);
    expect(out).toMatch(/^ok +database +migrations +the service migrate will apply 0001-main/m);
    expect(out).toMatch(/^skip +streams +tls +REDIS_URL does not ask for TLS$/m);
    expect(out).toMatch(/^ok +streams +version +Redis [78]\./m);
    expect(out).toMatch(/^skip +connectivity +answers +CONNECTIVITY_TARGETS names none/m);
    for (const name of ["checks.due", "status.changed", "alerts.due"]) expect(out).toContain(name);
    expect(out).not.toContain("fail");
  });

  test("sees that the migrations are applied", async () => {
    const checks = await checksOf({ ...good, DATABASE_URL: await postgres.createDatabase() });
    expect(checks).toContainEqual({
      area: "database",
      check: "migrations",
      status: "ok",
      detail: "all applied",
    });
  });

  test("looks at the database for migrations by itself where that is another", async () => {
    const failure = await failureOf({ ...good, DATABASE_URL_DIRECT: "postgres://stillup:hunter2@127.0.0.1:1/stillup" });
    expect(failure).toMatchObject({ area: "migrations", check: "port" });
    expect(failure?.detail).toMatch(/ECONNREFUSED.*DATABASE_URL_DIRECT/);
  });

  test("names every bad variable at once, and ends with 1", async () => {
    const { code, out } = await doctor({ PORT: "hunter2", DATABASE_URL: "mysql://hunter2" });
    expect(code).toBe(1);
    for (const name of ["PORT", "DATABASE_URL", "REDIS_URL", "API_KEY"]) {
      expect(out).toMatch(new RegExp(`^fail +configuration +${name} +(is not set|must|The database URL).*$`, "m"));
    }
    expect(out).toMatch(/^skip +database +all +because the configuration failed$/m);
    expect(out).not.toContain("hunter2");
  });

  test("reads files in place of the variables, of which the later wins and an empty value unsets", async () => {
    const [template, secrets] = [join(folder, ".env"), join(folder, ".env.secrets")];
    await writeFile(template, "# comment\nDATABASE_URL=''\nREDIS_URL='redis://nowhere.invalid'\nPORT='8080'\n");
    await writeFile(secrets, `DATABASE_URL='${good["DATABASE_URL"]}'\nREDIS_URL=''\nAPI_KEY='a$b#c"${API_KEY}'\n`);
    const { out } = await doctor(good, template, secrets);
    expect(out).toMatch(/^fail +configuration +REDIS_URL +is not set/m);
    expect(out.match(/^fail/gm)).toHaveLength(1);
    const gone = await doctor(good, join(folder, ".env.gone"));
    expect([gone.code, gone.err]).toEqual([
      1,
      expect.stringMatching(/^stillup: The file .*\.env\.gone cannot be read/),
    ]);
  });

  test("knows a name that leads nowhere", async () => {
    const failure = await failureOf({ ...good, DATABASE_URL: "postgres://stillup:hunter2@nowhere.invalid/stillup" });
    expect(failure).toMatchObject({ area: "database", check: "name" });
    expect(failure?.detail).toMatch(/nowhere\.invalid.*Check the host in DATABASE_URL/);
  });

  test("knows a server that does not speak the TLS that is asked for", async () => {
    const failure = await failureOf({ ...good, DATABASE_URL: `${good["DATABASE_URL"]}?sslmode=require` });
    expect(failure).toMatchObject({
      area: "database",
      check: "tls",
      detail: expect.stringMatching(/does not speak TLS/),
    });
  });

  test("knows a wrong password of the database", async () => {
    const url = new URL(good["DATABASE_URL"] ?? "");
    url.password = "hunter2";
    const failure = await failureOf({ ...good, DATABASE_URL: url.href });
    expect(failure).toMatchObject({ area: "database", check: "login" });
    expect(failure?.detail).toMatch(/password authentication failed.*Copy DATABASE_URL/);
  });

  test("knows a wrong password of Redis", async () => {
    const failure = await failureOf({ ...good, REDIS_URL: redis.url.replace("//", "//:hunter2hunter2@") });
    expect(failure).toMatchObject({ area: "streams", check: "login" });
    expect(failure?.detail).toMatch(/WRONGPASS.*Copy REDIS_URL/);
  });

  test("goes the way over REST, verified TLS included", async () => {
    const checks = await checksOf(overHttp());
    expect(checks.filter(({ area, status }) => area === "streams" && status !== "ok")).toEqual([
      { area: "streams", check: "version", status: "skip", detail: "it does not tell" },
    ]);
    expect(checks.find(({ area, check }) => area === "streams" && check === "tls")?.detail).toMatch(
      /^TLSv1\.3, its certificate is valid until \d{4}-\d\d-\d\d$/,
    );
  });

  test("knows a wrong token", async () => {
    const failure = await failureOf({ ...overHttp(), UPSTASH_REDIS_REST_TOKEN: "hunter2" });
    expect(failure).toMatchObject({ area: "streams", check: "login" });
    expect(failure?.detail).toMatch(/WRONGPASS.*UPSTASH_REDIS_REST_TOKEN/);
  });

  test("knows a certificate that has expired, and one that nobody vouches for", async () => {
    const { NODE_EXTRA_CA_CERTS: _, ...unknown } = overHttp();
    expect(await failureOf(unknown)).toMatchObject({
      check: "tls",
      detail: expect.stringMatching(/certificate.*UPSTASH_REDIS_REST_URL.*NODE_EXTRA_CA_CERTS/),
    });
    upstash.faults.set({ expiredCertificate: true });
    expect(await failureOf(overHttp())).toMatchObject({
      check: "tls",
      detail: expect.stringMatching(/certificate has expired/),
    });
  });

  test("knows an answer that says over quota", async () => {
    upstash.faults.set({ answer: { status: 429, error: "ERR max requests limit exceeded", times: null } });
    expect(await failureOf(overHttp())).toMatchObject({
      check: "login",
      detail: expect.stringMatching(/limit exceeded.*Raise the plan/),
    });
  });
});
