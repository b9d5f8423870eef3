import { describe, expect, test } from "vitest";
import { parsePostgresUrl, placeOf } from "../../../../../runtime/drivers/sql/postgres-url.ts";

describe("A Postgres URL", () => {
  test("is read with everything in it", () => {
    expect(parsePostgresUrl("postgresql://us%40er:p%2Fw%25@db.example:6432/my%20db?sslmode=verify-full&x=1")).toEqual({
      host: "db.example",
      port: 6432,
      user: "us@er",
      password: "p/w%",
      database: "my db",
      tls: true,
    });
  });

  test("may leave out port, password and database", () => {
    const target = parsePostgresUrl("postgres://me@localhost");
    expect(target).toMatchObject({ port: 5432, password: "", database: "me", tls: false });
    expect(placeOf(target)).toBe("localhost:5432/me");
  });

  test("may have an IPv6 address", () => {
    const target = parsePostgresUrl("postgres://me@[::1]:5433/db");
    expect(target).toMatchObject({ host: "::1", port: 5433 });
    expect(placeOf(target)).toBe("[::1]:5433/db");
  });

  test.each(["require", "verify-ca", "verify-full"])("is encrypted and verified with sslmode=%s", (mode) => {
    expect(parsePostgresUrl(`postgres://me@h/db?sslmode=${mode}`).tls).toBe(true);
  });

  test.each(["disable", "allow", "prefer"])("is plain with sslmode=%s", (mode) => {
    expect(parsePostgresUrl(`postgres://me@h/db?sslmode=${mode}`).tls).toBe(false);
  });

  test.each([
    ["no URL", "localhost:secret", /not a URL|must start with/],
    ["another scheme", "mysql://me:secret@h/db", /must start with postgres/],
    ["no user", "postgres://h/db", /must contain a host and a user name/],
    ["a password that is not encoded", "postgres://me:secret%@h/db", /password whose % is not percent-encoded/],
    ["an unknown sslmode", "postgres://me:secret@h/db?sslmode=on", /sslmode that is none of disable, allow/],
  ])("with %s is refused, and its password is not shown", (_, url, message) => {
    const read = () => parsePostgresUrl(url);
    expect(read).toThrow(
      expect.objectContaining({ code: "invalid_configuration", message: expect.stringMatching(message) }),
    );
    expect(read).toThrow(expect.not.objectContaining({ message: expect.stringContaining("secret") }));
  });
});
