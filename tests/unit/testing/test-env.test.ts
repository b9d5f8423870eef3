import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checksTotal } from "../../../domain/metrics.ts";
import type { FetchFunction } from "../../../runtime/contract.ts";
import { createPostgresSql } from "../../../runtime/drivers/sql/postgres.ts";
import { postgresMissing, startPostgres } from "../../../testing/postgres.ts";
import { addChannel, addMonitors, times } from "../../../testing/rows.ts";
import { testEnv } from "../../../testing/test-env.ts";

const root = join(import.meta.dirname, "../../..");

describe("testEnv()", () => {
  test("has a migrated database, emptied each time but for the migrations' own rows", async () => {
    const env = await testEnv();
    await env.sql`update connectivity set event_count = 7`;
    await env.sql`delete from canary`;
    await addChannel(env.sql);
    const next = await testEnv();
    expect(await next.sql`select event_count from connectivity`).toEqual([{ event_count: 0 }]);
    expect(await next.sql`select from canary`).toHaveLength(1);
    expect(await next.sql`select from channels`).toEqual([]);
  });

  test("has the tables that the migrations made, whatever a test did to them", async () => {
    const env = await testEnv();
    const tables = () => env.sql`select relname from pg_class where relnamespace = 'public'::regnamespace order by 1`;
    const before = await tables();
    await env.sql.script("drop table incidents; create table extra (n int); create table another (n int)");
    const next = await testEnv();
    expect(await next.sql`select relname from pg_class where relnamespace = 'public'::regnamespace order by 1`).toEqual(
      before,
    );
  });

  test("has a clock that runs until it is set, and then stands still", async () => {
    const { clock, sql } = await testEnv();
    const [row] = await sql<{ real: Date }>`select statement_timestamp() as real`;
    expect((await clock.now()).getTime()).toBeGreaterThanOrEqual(row?.real.getTime() ?? Number.NaN);
    await clock.set("2026-03-01T12:00:00Z");
    await clock.advance(90.5);
    expect(await clock.now()).toEqual(new Date("2026-03-01T12:01:30.500Z"));
    await clock.advance(-90.5);
    expect(await sql`select app_now() as at`).toEqual([{ at: new Date("2026-03-01T12:00:00Z") }]);
    const next = await testEnv();
    expect((await next.clock.now()).getTime()).toBeGreaterThanOrEqual(row?.real.getTime() ?? Number.NaN);
  });

  test("leaves the indexes on times usable", async () => {
    const { sql } = await testEnv();
    await addMonitors(
      sql,
      times(2000, (n) => ({ nextCheckAt: n * 3600 })),
    );
    await sql.script("analyze monitors");
    const plan = await sql<{ "QUERY PLAN": string }>`
      explain select id from monitors
      where deleted_at is null and status <> 'paused' and next_check_at <= app_now()`;
    expect(plan.map((line) => line["QUERY PLAN"]).join("\n")).toContain("monitors_due");
  });

  test("calls a handler with a request that has the key, and waits for what it left running", async () => {
    const env = await testEnv({ config: { apiKey: "another-key-that-is-long-enough-0123456789" } });
    const done: string[] = [];
    const route: FetchFunction = {
      async fetch(request, { log, stream, metrics }, ctx) {
        log.child({ requestId: ctx.requestId }).info("called", { path: new URL(request.url).pathname });
        ctx.waitUntil(stream.publish([{ stream: "s", body: "b" }]).then(() => void done.push("published")));
        metrics.count(checksTotal, { outcome: "ok" });
        return Response.json({ key: request.headers.get("authorization"), body: await request.json() });
      },
    };
    const response = await env.call(route, env.request("POST", "/v1/monitors?x=1", { name: "ü" }));
    expect(await response.json()).toEqual({ key: `Bearer ${env.config.apiKey}`, body: { name: "ü" } });
    expect(done).toEqual(["published"]);
    expect(env.logged).toEqual([
      { level: "INFO", message: "called", fields: { requestId: "test-request", path: "/v1/monitors" } },
    ]);
    expect(await env.stream.state("s", "g")).toMatchObject({ length: 1 });
    expect(await env.metrics.render()).toContain('stillup_checks_total{outcome="ok"');
    await env.close();
  });
});

test("The README shows the examples that are tested", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const examples = await readFile(join(import.meta.dirname, "examples.test.ts"), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${examples.replaceAll("../../../", "../")}\`\`\``);
});

const skipped = postgresMissing === null ? "" : ` (skipped: ${postgresMissing})`;
describe.skipIf(postgresMissing !== null)(`testEnv() on a given database${skipped}`, async () => {
  const postgres = postgresMissing === null ? await startPostgres() : null;
  afterAll(() => postgres?.stop());

  test("owns its clock and leaves its rows alone", async () => {
    const sql = createPostgresSql({ url: (await postgres?.createDatabase()) ?? "" });
    await addChannel(sql, { name: "c" });
    const env = await testEnv({ sql });
    await env.clock.set("2026-03-01T12:00:00Z");
    expect(await sql`select app_now() as at`).toEqual([{ at: new Date("2026-03-01T12:00:00Z") }]);
    expect(await env.sql`select name from channels`).toEqual([{ name: "c" }]);
    await sql.close();
  });

  test("has another copy for each who asks", async () => {
    const urls = await Promise.all([postgres?.createDatabase(), postgres?.createDatabase()]);
    expect(new Set(urls).size).toBe(2);
    for (const url of urls) {
      const sql = createPostgresSql({ url: url ?? "" });
      expect(await sql`select from channels`).toEqual([]);
      expect(await sql`select from connectivity`).toHaveLength(1);
      await sql.close();
    }
  });
});
