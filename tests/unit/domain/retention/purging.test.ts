import { afterAll, beforeEach, describe, expect, it } from "vitest";
import applyRetention from "../../../../functions/schedules/apply-retention.ts";
import type { ScheduledFunction } from "../../../../runtime/contract.ts";
import { aChannel, aMonitor } from "../../../../testing/factories.ts";
import { type Api, api } from "../../../../testing/routes.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const schedule: ScheduledFunction = applyRetention;
const TABLES = ["monitors", "status_changes", "incidents", "deliveries", "rollups_hour", "rollups_day", "channels"];

let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
  call = api(env).send;
});
afterAll(() => env.close());

async function runRetain(): Promise<void> {
  await env.sql`update schedules set next_run_at = '-infinity' where name = 'apply-retention'`;
  await schedule.scheduled({ id: "tick", scheduledTime: 0 }, env, env.ctx());
}

/** A monitor with a row of everything that is kept of one. */
async function addWithAll(channelId: string): Promise<string> {
  const { id } = (await call("POST", "/v1/monitors", aMonitor())).body;
  await env.sql.transaction([
    env.sql`insert into status_changes (monitor_id, version, status, at) values (${id}, 0, 'down', app_now())`,
    env.sql`
      insert into incidents (id, monitor_id, started_at, confirmed_at, cause)
      values (new_id('inc'), ${id}, app_now(), app_now(), '{"outcome": "dns", "statusCode": null, "detail": null}')`,
    env.sql`
      insert into deliveries (id, event_id, channel_id, monitor_id, event_number, type, data, occurred_at)
      values (new_id('dlv'), 'evt_1', ${channelId}, ${id}, 1, 'monitor.down', '{}', app_now())`,
    env.sql`insert into rollups_hour values (${id}, app_now() + interval '90 days', 1, 1, 1, 1, 1, 1)`,
    env.sql`insert into rollups_day values (${id}, app_now(), 1, 1, 1, 1, 1, 1)`,
  ]);
  return id;
}

/** How many rows each table has. */
async function counts(): Promise<Record<string, number>> {
  const rows = await env.sql<{ name: string; count: number }>`
    select name, (xpath('/row/c/text()', query_to_xml('select count(*) as c from ' || name, false, true, '')))[1]::text::int4
      as count
    from unnest(${TABLES}::text[]) as name`;
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

const each = (count: number) => Object.fromEntries(TABLES.map((name) => [name, count]));

describe("what was deleted", () => {
  it("is purged after 90 days with all that was kept of it, and nothing else is", async () => {
    const [gone, kept] = [
      (await call("POST", "/v1/channels", aChannel())).body.id,
      (await call("POST", "/v1/channels", aChannel())).body.id,
    ];
    const monitor = await addWithAll(gone);
    await addWithAll(kept);
    expect((await call("DELETE", `/v1/monitors/${monitor}`)).status).toBe(204);
    expect((await call("DELETE", `/v1/channels/${gone}`)).status).toBe(204);
    const before = await counts();
    await env.clock.advance(89 * 86_400);
    await runRetain();
    expect(await counts()).toEqual(before);
    await env.clock.advance(1.5 * 86_400);
    await runRetain();
    expect(await counts()).toEqual(each(1));
    expect(await env.sql`select id from monitors where id = ${monitor}`).toEqual([]);
  });

  it("stays while a delivery needs it, and goes however much there is of it", async () => {
    const channel = (await call("POST", "/v1/channels", aChannel())).body.id;
    const monitor = await addWithAll(channel);
    await call("DELETE", `/v1/monitors/${monitor}`);
    await env.sql`update deliveries set status = 'pending', finished_at = null`;
    await env.sql`
      insert into monitors (name, type, target, form, config, interval_seconds, failure_threshold, recovery_threshold, deleted_at)
      select 'm', 'http', 'http://a.example/', 1, '{"url": "http://a.example/"}', 60, 1, 1, app_now() from generate_series(1, 50)`;
    await env.clock.advance(91 * 86_400);
    await runRetain();
    expect(await env.sql`select id from monitors`).toEqual([{ id: monitor }]);
  });

  it("keeps no secret for a moment", async () => {
    const channel = (await call("POST", "/v1/channels", aChannel())).body.id;
    const secretive = aMonitor({ method: "POST", headers: { "x-api-key": "hunter2" }, body: "hunter2" });
    const monitor = (await call("POST", "/v1/monitors", secretive)).body.id;
    await call("DELETE", `/v1/channels/${channel}`);
    await call("DELETE", `/v1/monitors/${monitor}`);
    const [kept] = await env.sql<{ text: string }>`
      select (select config::text from channels) || (select config::text from monitors) as text`;
    expect(kept).toEqual({ text: "{}{}" });
  });
});
