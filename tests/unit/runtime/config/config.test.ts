import { describe, expect, test } from "vitest";
import { settings } from "../../../../domain/config.ts";
import {
  DEVELOPMENT_API_KEY,
  readConfig,
  readOneProcessConfig,
  type Variables,
} from "../../../../runtime/config/config.ts";
import { StillupError } from "../../../../runtime/errors.ts";

const good = {
  DATABASE_URL: "postgres://stillup:secret@db.example.com:5432/stillup",
  REDIS_URL: "redis://redis.example.com:6379",
  API_KEY: "k".repeat(32),
};

/** What `readConfig` refuses: each bad variable with its message. */
function refusals(variables: Variables): Record<string, string> {
  try {
    readConfig(variables, settings);
    return {};
  } catch (error) {
    if (!(error instanceof StillupError) || error.code !== "invalid_configuration") throw error;
    return Object.fromEntries((error.errors ?? []).map(({ field, message }) => [field, message]));
  }
}

/** What is wrong with one variable beside good ones; undefined when nothing is. */
const refusal = (name: string, value: string) => refusals({ ...good, [name]: value })[name];

describe("the configuration of a service", () => {
  test("has a default for everything but the database, Redis and the key", () => {
    expect(readConfig(good, settings)).toEqual({
      host: "127.0.0.1",
      port: 3000,
      workerPort: 9090,
      drainSeconds: 10,
      apiKey: good.API_KEY,
      database: { driver: "tcp", url: good.DATABASE_URL, directUrl: good.DATABASE_URL },
      stream: { driver: "tcp", url: good.REDIS_URL },
      networkPolicy: "public",
      connectivityTargets: [],
      watchdogUrl: null,
      publicUrl: null,
      logLevel: "INFO",
      workerConcurrency: 200,
      workerLeaseSeconds: 120,
      rawCheckDays: 7,
    });
  });

  test("takes every variable", () => {
    const config = readConfig(
      {
        ...good,
        DATABASE_DRIVER: "tcp",
        DATABASE_URL_DIRECT: "postgresql://stillup:secret@direct.example.com/stillup",
        REDIS_DRIVER: "TCP",
        HOST: "0.0.0.0",
        PORT: "8080",
        PUBLIC_URL: "https://status.example.com/stillup/",
        LOG_LEVEL: "debug",
        NETWORK_POLICY: "private",
        WATCHDOG_URL: "https://beats.example.com/a1b2",
        CONNECTIVITY_TARGETS: "https://one.example.com/204, http://192.0.2.7:8080,",
        WORKER_PORT: "9191",
        WORKER_CONCURRENCY: "50",
        WORKER_LEASE_SECONDS: "60",
        DRAIN_SECONDS: "5",
        RAW_CHECK_DAYS: "30",
      },
      settings,
    );
    expect(config).toMatchObject({
      host: "0.0.0.0",
      port: 8080,
      publicUrl: "https://status.example.com/stillup",
      logLevel: "DEBUG",
      networkPolicy: "private",
      watchdogUrl: "https://beats.example.com/a1b2",
      connectivityTargets: ["https://one.example.com/204", "http://192.0.2.7:8080"],
      workerPort: 9191,
      workerConcurrency: 50,
      workerLeaseSeconds: 60,
      drainSeconds: 5,
      rawCheckDays: 30,
      database: { directUrl: "postgresql://stillup:secret@direct.example.com/stillup" },
    });
  });

  test("takes an empty variable for an unset one", () => {
    const empty = Object.fromEntries(
      ["PORT", "HOST", "LOG_LEVEL", "PUBLIC_URL", "REDIS_ADDR"].map((name) => [name, ""]),
    );
    expect(readConfig({ ...good, ...empty })).toEqual(readConfig(good));
    expect(refusals({ ...good, API_KEY: "" })["API_KEY"]).toMatch(/is not set/);
  });

  test("reports every bad variable at once and prints no value", () => {
    const bad = {
      DATABASE_URL: "mysql://root:hunter2@host/db",
      REDIS_URL: "http://:hunter2@host",
      API_KEY: "hunter2",
      PORT: "hunter2",
      LOG_LEVEL: "hunter2",
      NETWORK_POLICY: "hunter2",
      HOST: "http://hunter2",
      PUBLIC_URL: "hunter2",
      WORKER_CONCURRENCY: "hunter2",
      RAW_CHECK_DAYS: "hunter2",
      WATCHDOG_URL: "hunter2",
      CONNECTIVITY_TARGETS: "hunter2",
    };
    expect(Object.keys(refusals(bad)).sort()).toEqual(Object.keys(bad).sort());
    expect(JSON.stringify(refusals(bad))).not.toContain("hunter2");
    expect(Object.keys(refusals({})).sort()).toEqual(["API_KEY", "DATABASE_URL", "REDIS_URL"]);
  });

  test.each([
    ["PORT", ["65536", "-1", "3000.5", "3e3", "0x10", " 3000", "99999999999"]],
    ["WORKER_PORT", ["-1", "65536"]],
    ["WORKER_CONCURRENCY", ["0", "10001"]],
    ["WORKER_LEASE_SECONDS", ["4", "3601"]],
    ["DRAIN_SECONDS", ["0", "601"]],
    ["RAW_CHECK_DAYS", ["0", "366"]],
    ["LOG_LEVEL", ["verbose", "TRACE"]],
    ["NETWORK_POLICY", ["open"]],
    ["WATCHDOG_URL", ["beats.example.com", "ftp://beats.example.com", "https://me:pw@beats.example.com"]],
    ["CONNECTIVITY_TARGETS", ["one.example.com", "https://a.example,ftp://b.example", "https://me:pw@a.example"]],
    ["DATABASE_DRIVER", ["udp"]],
    ["REDIS_DRIVER", ["udp"]],
    ["HOST", ["0.0.0.0/0", "a b", "http://localhost"]],
    ["API_KEY", ["k".repeat(31), "k".repeat(513), `${"k".repeat(32)} `, "é".repeat(32), `${"k".repeat(32)}\n`]],
    [
      "PUBLIC_URL",
      ["status.example.com", "ftp://example.com", "https://me:pw@example.com", "https://example.com/?a=1"],
    ],
    [
      "REDIS_URL",
      ["redis.example.com:6379", "redis://", "https://redis.example.com", "redis://redis.example.com/zero"],
    ],
  ])("refuses a bad %s", (name, values) => {
    for (const value of values) expect(refusal(name, value), value).toBeTypeOf("string");
  });

  test.each(["DATABASE_URL", "DATABASE_URL_DIRECT"])("refuses a bad %s", (name) => {
    const values = [
      "stillup@db.example.com/stillup",
      "mysql://stillup@db.example.com/stillup",
      "postgres:///stillup",
      "postgres://stillup:p#ss@db.example.com/stillup",
      "postgres://stillup:100%@db.example.com/stillup",
      "postgres://stillup@db.example.com/stillup?sslmode=always",
    ];
    for (const value of values) expect(refusal(name, value), value).toBeTypeOf("string");
  });

  test("takes the parameters that hosted databases put into their addresses", () => {
    expect(refusals({ ...good, DATABASE_URL: `${good.DATABASE_URL}?sslmode=require&channel_binding=require` })).toEqual(
      {},
    );
  });

  test("takes rediss and a database number", () => {
    expect(refusals({ ...good, REDIS_URL: "rediss://default:secret@redis.example.com:6380/3" })).toEqual({});
  });

  test("uses REDIS_ADDR only where REDIS_URL is not set", () => {
    const { REDIS_URL, ...rest } = good;
    expect(readConfig({ ...rest, REDIS_ADDR: "redis:6379" }).stream).toEqual({
      driver: "tcp",
      url: "redis://redis:6379",
    });
    expect(readConfig({ ...good, REDIS_ADDR: "redis:6379" }).stream).toEqual({ driver: "tcp", url: REDIS_URL });
    for (const address of ["redis", "redis:", "redis:port", "user@redis:6379", "redis:6379/1", "redis://redis:6379"]) {
      expect(refusals({ ...rest, REDIS_ADDR: address })["REDIS_ADDR"], address).toBeTypeOf("string");
    }
  });
});

const NEON = "postgresql://alice:p%40ss@ep-cool-name-a1b2-pooler.c-2.eu-central-1.aws.neon.tech/neondb";
const NEON_DIRECT = "postgresql://alice:p%40ss@ep-cool-name-a1b2.c-2.eu-central-1.aws.neon.tech/neondb";
const AS_PASTED = "?sslmode=require&channel_binding=require";

describe("the database's driver", () => {
  const database = (variables: Variables) => readConfig({ ...good, ...variables }).database;

  test("is HTTP for a Neon host as its console shows it, with migrations around the pooler", () => {
    const expected = { driver: "http", url: NEON + AS_PASTED, directUrl: NEON_DIRECT + AS_PASTED };
    expect(database({ DATABASE_URL: NEON + AS_PASTED })).toEqual(expected);
    expect(database({ DATABASE_URL: NEON + AS_PASTED, DATABASE_DRIVER: "http" })).toEqual(expected);
  });

  test("is TCP for a Neon host when that is asked for, and then always with TLS", () => {
    expect(database({ DATABASE_URL: NEON, DATABASE_DRIVER: "tcp" })).toEqual({
      driver: "tcp",
      url: `${NEON}?sslmode=require`,
      directUrl: `${NEON_DIRECT}?sslmode=require`,
    });
  });

  test("is TCP for any other host, unless HTTP is asked for", () => {
    expect(database({ DATABASE_DRIVER: "http" })).toMatchObject({ driver: "http", url: good.DATABASE_URL });
    expect(database({})).toMatchObject({ driver: "tcp", directUrl: good.DATABASE_URL });
  });

  test("takes DATABASE_URL_DIRECT for migrations, and goes around a pooler in that as well", () => {
    const direct = "postgres://stillup@direct.example.com/stillup";
    expect(database({ DATABASE_URL: NEON, DATABASE_URL_DIRECT: direct })).toMatchObject({ directUrl: direct });
    expect(database({ DATABASE_URL_DIRECT: NEON })).toMatchObject({ directUrl: `${NEON_DIRECT}?sslmode=require` });
  });

  test.each([
    ["DATABASE_URL", { DATABASE_URL: `${NEON}?sslmode=disable` }, /Set sslmode=require/],
    ["DATABASE_URL", { DATABASE_URL: `${NEON}?sslmode=disable`, DATABASE_DRIVER: "tcp" }, /Set sslmode=require/],
    ["DATABASE_URL_DIRECT", { DATABASE_URL_DIRECT: `${NEON_DIRECT}?sslmode=disable` }, /Set sslmode=require/],
    ["DATABASE_URL", { DATABASE_URL: "postgresql://alice:secret@ep-x.eu.aws.neon.tech" }, /names no database/],
    ["DATABASE_URL", { DATABASE_URL: "postgres://stillup@db.example.com", DATABASE_DRIVER: "http" }, /no database/],
  ])("is not chosen for a bad %s: %o", (name, variables, message) => {
    const refused = refusals({ ...good, ...variables });
    expect(Object.keys(refused)).toEqual([name]);
    expect(refused[name]).toMatch(message);
    expect(refused[name]).not.toContain("secret");
  });
});

describe("the streams' driver", () => {
  const { REDIS_URL: _, ...rest } = good;
  const REST = { UPSTASH_REDIS_REST_URL: "https://stillup-1.upstash.io", UPSTASH_REDIS_REST_TOKEN: "AbC=" };
  const OVER_HTTP = { driver: "http", url: REST.UPSTASH_REDIS_REST_URL, token: "AbC=" };
  const SAME_HOST = "rediss://default:secret@stillup-1.upstash.io:6379";

  test("is HTTP where the REST URL and token are set", () => {
    expect(readConfig({ ...rest, ...REST }).stream).toEqual(OVER_HTTP);
    expect(readConfig({ ...rest, ...REST, REDIS_DRIVER: "http" }).stream).toEqual(OVER_HTTP);
  });

  test("is HTTP as well where REDIS_URL names the same host, unless TCP is asked for", () => {
    const both = { ...rest, ...REST, REDIS_URL: SAME_HOST };
    expect(readConfig(both).stream).toEqual(OVER_HTTP);
    expect(readConfig({ ...both, REDIS_DRIVER: "tcp" }).stream).toEqual({ driver: "tcp", url: SAME_HOST });
  });

  test("is what REDIS_DRIVER says where the two name different hosts", () => {
    const both = { ...good, ...REST };
    expect(refusals(both)).toEqual({
      REDIS_URL: expect.stringMatching(/another host than UPSTASH_REDIS_REST_URL\. Unset .* or set REDIS_DRIVER/),
    });
    expect(readConfig({ ...both, REDIS_DRIVER: "tcp" }).stream).toEqual({ driver: "tcp", url: good.REDIS_URL });
    expect(readConfig({ ...both, REDIS_DRIVER: "http" }).stream).toEqual(OVER_HTTP);
    expect(Object.keys(refusals({ ...rest, ...REST, REDIS_ADDR: "redis:6379" }))).toEqual(["REDIS_ADDR"]);
  });

  test.each([
    [{ UPSTASH_REDIS_REST_TOKEN: "" }, "UPSTASH_REDIS_REST_TOKEN", /is not set\. console\.upstash\.com/],
    [{ UPSTASH_REDIS_REST_URL: "" }, "UPSTASH_REDIS_REST_URL", /is not set\. console\.upstash\.com/],
    [{ UPSTASH_REDIS_REST_URL: "stillup-1.upstash.io" }, "UPSTASH_REDIS_REST_URL", /https:\/\//],
    [{ UPSTASH_REDIS_REST_URL: SAME_HOST }, "UPSTASH_REDIS_REST_URL", /rediss:\/\/ goes into REDIS_URL/],
    [{ UPSTASH_REDIS_REST_URL: "https://u:p@stillup-1.upstash.io" }, "UPSTASH_REDIS_REST_URL", /must look like/],
    [{ UPSTASH_REDIS_REST_URL: "http://stillup-1.upstash.io" }, "UPSTASH_REDIS_REST_URL", /read the token/],
    [{ UPSTASH_REDIS_REST_TOKEN: "a b" }, "UPSTASH_REDIS_REST_TOKEN", /without spaces/],
    [{ REDIS_URL: "https://stillup-1.upstash.io" }, "REDIS_URL", /https:\/\/ goes into UPSTASH_REDIS_REST_URL/],
  ])("is not chosen with %o", (variables, name, message) => {
    const refused = refusals({ ...rest, ...REST, ...variables });
    expect(Object.keys(refused)).toEqual([name]);
    expect(refused[name]).toMatch(message);
    expect(refused[name]).not.toContain("secret");
  });

  test("that is asked for misses its own variables", () => {
    expect(Object.keys(refusals({ ...good, REDIS_DRIVER: "http" })).sort()).toEqual(Object.keys(REST).sort());
    expect(Object.keys(refusals({ ...rest, ...REST, REDIS_DRIVER: "tcp" }))).toEqual(["REDIS_URL"]);
  });
});

test("What is missing is said with where to get it", () => {
  expect(refusals({})).toEqual({
    DATABASE_URL: expect.stringMatching(/console\.neon\.tech/),
    REDIS_URL: expect.stringMatching(/UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN.*console\.upstash\.com/),
    API_KEY: expect.stringMatching(/openssl rand/),
  });
});

describe("the key of .env.local", () => {
  const local = {
    API_KEY: DEVELOPMENT_API_KEY,
    DATABASE_URL: "postgres://stillup:stillup@postgres:5432/stillup",
    REDIS_URL: "redis://redis:6379",
  };

  test.each(["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "LOCALHOST"])("is taken with services on %s", (host) => {
    expect(refusals(local)).toEqual({});
    expect(
      refusals({ ...local, DATABASE_URL: `postgres://stillup@${host}/stillup`, REDIS_URL: `redis://${host}` }),
    ).toEqual({});
  });

  test.each([
    { DATABASE_URL: "postgres://stillup@db.example.com/stillup" },
    { DATABASE_URL_DIRECT: "postgres://stillup@db.example.com/stillup" },
    { REDIS_URL: "redis://redis.example.com" },
    { REDIS_URL: "", UPSTASH_REDIS_REST_URL: "https://x.upstash.io", UPSTASH_REDIS_REST_TOKEN: "token" },
    { DATABASE_URL: "postgresql://stillup@ep-x.eu.aws.neon.tech/stillup" },
    { REDIS_URL: "redis://10.0.0.1" },
    { DATABASE_URL: "postgres://stillup@postgres.example.com/stillup" },
    { DATABASE_URL: "postgres://stillup@localhost.example.com/stillup" },
    { DATABASE_URL: "postgres://stillup@localhost,db.example.com/stillup" },
  ])("is refused with %o", (elsewhere) => {
    expect(refusals({ ...local, ...elsewhere })["API_KEY"]).toMatch(/Make one of your own/);
  });

  test("is not blamed for an address that is missing", () => {
    expect(Object.keys(refusals({ API_KEY: DEVELOPMENT_API_KEY }))).toEqual(["DATABASE_URL", "REDIS_URL"]);
  });
});

describe("the configuration of one process", () => {
  const defaults = { dataDir: ".data", apiKey: "made-at-first-start-made-at-first-start", settings };

  test("reads PORT, HOST, API_KEY and LOG_LEVEL and nothing else", () => {
    const everythingElse = { ...good, API_KEY: "", WORKER_PORT: "no", NETWORK_POLICY: "public", RAW_CHECK_DAYS: "no" };
    const config = readOneProcessConfig(everythingElse, defaults);
    expect(config).toEqual(readOneProcessConfig({}, defaults));
    expect(config).toMatchObject({
      apiKey: defaults.apiKey,
      networkPolicy: "private",
      logLevel: "WARN",
      database: { driver: "pglite", dataDir: ".data" },
      stream: { driver: "memory" },
      connectivityTargets: [],
      watchdogUrl: null,
      rawCheckDays: 7,
    });
    const own = { PORT: "4000", HOST: "0.0.0.0", API_KEY: "k".repeat(40), LOG_LEVEL: "INFO" };
    expect(readOneProcessConfig(own, defaults)).toMatchObject({
      port: 4000,
      host: "0.0.0.0",
      apiKey: own.API_KEY,
      logLevel: "INFO",
    });
  });

  test("refuses bad ones all at once", () => {
    expect(() => readOneProcessConfig({ PORT: "no", API_KEY: "short" }, defaults)).toThrow(/PORT, API_KEY/);
  });
});
