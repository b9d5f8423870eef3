import { afterAll, expect, it } from "vitest";
import { leaseDeliveries } from "../../domain/alerts/lease-deliveries.ts";
import { createPostgresSql } from "../../runtime/sql/postgres.ts";
import { postgresMissing, startPostgres } from "../support/postgres.ts";

const postgres = postgresMissing === null ? await startPostgres() : null;
afterAll(() => postgres?.stop());

it.skipIf(postgres === null)("leases from 10,000 due deliveries within the time a statement may take", async () => {
  const sql = createPostgresSql({ url: (await postgres?.createDatabase()) ?? "" });
  await sql`
    insert into channels (id, name, type, is_default, config) values ('ch_a', 'a', 'webhook', true, '{}')`;
  await sql`
    insert into monitors (id, name, type, url, method, interval_seconds, expect, failure_threshold, recovery_threshold)
    select 'mon_' || i, 'm', 'http', 'http://a/', 'GET', 60, '{}', 1, 1 from generate_series(1, 10000) as i`;
  // Nothing has counted these rows yet, as in the first minute of a large outage.
  await sql`
    insert into deliveries (id, event_id, channel_id, monitor_id, version, type, data, answered_at)
    select 'dlv_' || i, 'evt_' || i, 'ch_a', 'mon_' || i, 1, 'monitor.down', '{}', app_now()
    from generate_series(1, 10000) as i`;
  const leased = await leaseDeliveries(sql, ["ch_a"]);
  await sql.close();
  expect(leased).toHaveLength(20);
});
