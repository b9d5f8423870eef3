import { afterAll, beforeEach, describe, expect, it } from "vitest";
import applyRetention from "../../../../functions/schedules/apply-retention.ts";
import { aChannel, aMonitor } from "../../../../testing/factories.ts";
import { type Api, api } from "../../../../testing/routes.ts";
import {
  addDelivery,
  addIncident,
  addMonitors,
  addRollups,
  addStatusChanges,
  times,
} from "../../../../testing/rows.ts";
import { type TestEnv, testEnv } from "../../../../testing/test-env.ts";

const TABLES = ["monitors", "status_changes", "incidents", "deliveries", "rollups_hour", "rollups_day", "channels"];

let env: TestEnv;
let call: Api["send"];

beforeEach(async () => {
  env = await testEnv();
  await env.clock.set("2026-03-01T12:00:00Z");
  call = api(env).send;
});
afterAll(() => env.close());

const runRetain = () => env.run(applyRetention);

/** A monitor with a row of everything that is kept of one. */
async function addWithAll(channelId: string): Promise<string> {
  const { id } = (await call("POST", "/v1/monitors", aMonitor())).body;
  await addStatusChanges(env.sql, [{ monitorId: id, version: 0, status: "down" }]);
  await addIncident(env.sql, { monitorId: id });
  await addDelivery(env.sql, { monitorId: id, channelId });
  await addRollups(env.sql, "rollups_hour", [{ monitorId: id, start: 90 * 86_400 }]);
  await addRollups(env.sql, "rollups_day", [{ monitorId: id }]);
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
    await addMonitors(env.sql, times(50, { deletedAt: 0 }));
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
