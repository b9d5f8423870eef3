import { describe, expect, test } from "vitest";
import {
  directUrl,
  isNeonHost,
  isPooledUrl,
  overTls,
  parseNeonUrl,
} from "../../../../../runtime/drivers/sql/neon-url.ts";

const POOLED = "postgresql://alice:p%40ss@ep-cool-name-a1b2-pooler.c-2.eu-central-1.aws.neon.tech/neondb";
const AS_PASTED = `${POOLED}?sslmode=require&channel_binding=require`;

describe("a host of Neon's", () => {
  test.each(["ep-cool-name-a1b2.eu-central-1.aws.neon.tech", "EP-X-POOLER.AZURE.NEON.TECH", "ep-x.local.neon.build"])(
    "is %s",
    (host) => expect(isNeonHost(host)).toBe(true),
  );

  test.each(["neon.tech.example.com", "ep-x.neontech", "localhost", "postgres", "192.0.2.1", ""])("is not %s", (host) =>
    expect(isNeonHost(host)).toBe(false),
  );
});

describe("a URL for HTTP", () => {
  test("is taken as Neon's console shows it", () => {
    expect(parseNeonUrl(AS_PASTED)).toMatchObject({
      host: "ep-cool-name-a1b2-pooler.c-2.eu-central-1.aws.neon.tech",
      user: "alice",
      password: "p@ss",
      database: "neondb",
    });
  });

  test.each([
    ["names no database", "postgresql://alice:secret@ep-x.aws.neon.tech", /names no database/],
    ["names no database but a slash", "postgresql://alice:secret@ep-x.aws.neon.tech/?sslmode=require", /no database/],
    ["wants no TLS", "postgresql://alice:secret@ep-x.aws.neon.tech/neondb?sslmode=disable", /Set sslmode=require/],
    ["is of another kind", "https://alice:secret@ep-x.aws.neon.tech/neondb", /must start with postgres:/],
    ["is none", "ep-x.aws.neon.tech", /is not a URL/],
  ])("that %s is refused with a remedy and without its password", (_, url, message) => {
    const error = (() => {
      try {
        return parseNeonUrl(url);
      } catch (refusal) {
        return refusal;
      }
    })();
    expect(error).toMatchObject({ code: "invalid_configuration", message: expect.stringMatching(message) });
    expect(String(error)).not.toContain("secret");
  });
});

describe("the URL for migrations", () => {
  test("goes around the pooler and asks for TLS", () => {
    const direct = "postgresql://alice:p%40ss@ep-cool-name-a1b2.c-2.eu-central-1.aws.neon.tech/neondb";
    expect(directUrl(POOLED)).toBe(`${direct}?sslmode=require`);
    expect(directUrl(AS_PASTED)).toBe(`${direct}?sslmode=require&channel_binding=require`);
  });

  test("of a direct host keeps it", () => {
    const url = "postgresql://alice:p%40ss@ep-cool-name-a1b2.eu-central-1.aws.neon.tech/neondb?sslmode=require";
    expect(directUrl(url)).toBe(url);
  });

  test("finds -pooler in the host's first label alone", () => {
    const url = "postgresql://a-pooler:x-pooler.@ep-my-pooler-name-pooler.a-pooler.aws.neon.tech/db-pooler";
    expect(directUrl(url)).toBe(
      "postgresql://a-pooler:x-pooler.@ep-my-pooler-name.a-pooler.aws.neon.tech/db-pooler?sslmode=require",
    );
  });

  test("of any other host is the same", () => {
    const url = "postgres://alice:secret@db-pooler.example.com:6543/app?sslmode=disable";
    expect(directUrl(url)).toBe(url);
  });
});

test("A pooled URL is known by Neon's host alone", () => {
  expect(isPooledUrl(POOLED)).toBe(true);
  expect(isPooledUrl(directUrl(POOLED))).toBe(false);
  expect(isPooledUrl("postgres://alice@ep-db-pooler.example.com/app")).toBe(false);
});

test("A URL for TCP asks Neon for TLS, and others for what they ask for", () => {
  expect(overTls(`${POOLED}?sslmode=prefer`)).toBe(`${POOLED}?sslmode=require`);
  expect(overTls(`${POOLED}?sslmode=verify-full`)).toBe(`${POOLED}?sslmode=verify-full`);
  const other = "postgres://alice@db.example.com/app?sslmode=disable";
  expect(overTls(other)).toBe(other);
});
