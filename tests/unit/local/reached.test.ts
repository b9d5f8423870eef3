import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createNeonSql } from "../../../runtime/drivers/sql/neon.ts";
import type { SqlDriver } from "../../../runtime/drivers/sql/sql.ts";
import type { EventStream } from "../../../runtime/drivers/stream/stream.ts";
import { createUpstashStream } from "../../../runtime/drivers/stream/upstash.ts";
import { startNeon, type TestNeon } from "../../../testing/neon.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../testing/postgres.ts";
import { redisMissing } from "../../../testing/redis.ts";
import { startUpstash, type TestUpstash, upstashToken } from "../../../testing/upstash.ts";

const missing = postgresMissing ?? redisMissing;

describe.skipIf(missing !== null)(
  `Whether a call over HTTP reached its service is known${missing === null ? "" : `: ${missing}`}`,
  () => {
    let postgres: TestPostgres;
    let neon: TestNeon;
    let upstash: TestUpstash;
    let sql: SqlDriver;
    let stream: EventStream;
    let found: boolean[];
    const onCall = (isThere: boolean) => void found.push(isThere);

    beforeAll(async () => {
      postgres = await startPostgres();
      neon = await startNeon(postgres.url);
      upstash = await startUpstash();
      sql = createNeonSql({ url: neon.urlOf(postgres.url), fetchOptions: neon.fetchOptions, onCall });
      stream = createUpstashStream({
        url: upstash.emulator.url,
        token: upstashToken,
        prefix: upstash.redis.prefix,
        onCall,
      });
    });
    afterAll(async () => {
      await Promise.all([sql?.close(), stream?.close()]);
      await Promise.all([neon?.close(), upstash?.stop()]);
      await postgres?.stop();
    });
    beforeEach(() => {
      found = [];
    });

    test("of the database: a refused statement found it, no answer did not", async () => {
      await sql`select 1`;
      await expect(sql`select from nothing`).rejects.toThrow("42P01");
      neon.emulator.faults.set({ answer: { status: 500, times: 1 } });
      await expect(sql`select 1`).rejects.toThrow("cannot be reached");
      await sql.transaction([sql`select 1`]);
      expect(found).toEqual([true, true, false, true]);
    });

    test("of the streams: a refused command did not find them, even in an answer that is well", async () => {
      await stream.ping();
      upstash.emulator.faults.set({ answer: { status: 500, times: 1 } });
      await expect(stream.ping()).rejects.toThrow("did not answer");
      expect(found).toEqual([true, false]);
      const headers = { authorization: `Bearer ${upstashToken}` };
      const body = JSON.stringify(["set", `${upstash.redis.prefix}odd`, "no stream"]);
      await fetch(upstash.emulator.url, { method: "POST", headers, body });
      await expect(stream.publish([{ stream: "odd", body: "1" }])).rejects.toThrow("WRONGTYPE");
      expect(found.at(-1)).toBe(false);
      await stream.publish([{ stream: "found", body: "1" }]);
      expect(found.at(-1)).toBe(true);
    });
  },
);
