import { afterAll, expect, it } from "vitest";
import { claimDueChannels } from "../../../../domain/deliveries/claim-due-channels.ts";
import { leaseDeliveries } from "../../../../domain/deliveries/lease-deliveries.ts";
import { createPostgresSql } from "../../../../runtime/drivers/sql/postgres.ts";
import { postgresMissing, startPostgres } from "../../../../testing/postgres.ts";

const postgres = postgresMissing === null ? await startPostgres() : null;
afterAll(() => postgres?.stop());

it.skipIf(postgres === null)("leases from 10,000 due deliveries within the time a statement may take", async () => {
  const sql = createPostgresSql({ url: (await postgres?.createDatabase()) ?? "" });
  await sql`
    insert into channels (id, name, type, is_default, config) values ('ch_a', 'a', 'webhook', true, '{}')`;
  await sql`
    insert into monitors (id, name, type, target, form, config, interval_seconds, failure_threshold, recovery_threshold)
    select 'mon_' || i, 'm', 'http', 'http://a/', 1, '{"url": "http://a/"}', 60, 1, 1 from generate_series(1, 10000) as i`;
  // Nothing has counted these rows yet, as in the first minute of a large outage.
  await sql`
    insert into deliveries (id, event_id, channel_id, monitor_id, event_number, type, data, occurred_at)
    select 'dlv_' || i, 'evt_' || i, 'ch_a', 'mon_' || i, 1, 'monitor.down', '{}', app_now()
    from generate_series(1, 10000) as i`;
  const leased = await leaseDeliveries(sql, ["ch_a"]);
  await sql.close();
  expect(leased).toHaveLength(20);
});

it.skipIf(postgres === null)("sweeps 10,000 deliveries that wait for their next try within that time", async () => {
  const sql = createPostgresSql({ url: (await postgres?.createDatabase()) ?? "" });
  await sql`insert into channels (id, name, type, is_default, config) values ('ch_a', 'a', 'webhook', true, '{}')`;
  // A monitor's second one waits behind its first, which was tried after it was planned: nothing new.
  await sql`
    insert into deliveries (id, event_id, channel_id, monitor_id, event_number, type, data, occurred_at, next_attempt_at,
      attempted_at)
    select 'dlv_' || i || '_' || v, 'evt_' || i, 'ch_a', 'mon_' || i, v, 'monitor.down', '{}', app_now(),
      app_now() + interval '1 hour', app_now() + interval '1 s'
    from generate_series(1, 5000) as i, generate_series(1, 2) as v`;
  await sql`update schedules set next_run_at = '-infinity'`;
  const claimed = await claimDueChannels(sql);
  await sql`
    update deliveries set next_attempt_at = app_now(), created_at = app_now() + interval '2 s' where id = 'dlv_5_2'`;
  await sql`update schedules set next_run_at = '-infinity'`;
  await claimDueChannels(sql);
  const due = await sql`select id from deliveries where next_attempt_at <= app_now() order by id`;
  await sql.close();
  expect(claimed.channelIds).toEqual([]);
  expect(due).toEqual([{ id: "dlv_5_1" }, { id: "dlv_5_2" }]);
});
