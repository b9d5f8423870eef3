import { afterAll, expect, it } from "vitest";
import { claimDueChannels } from "../../../../domain/deliveries/claim-due-channels.ts";
import { leaseDeliveries } from "../../../../domain/deliveries/lease-deliveries.ts";
import { createPostgresSql } from "../../../../runtime/drivers/sql/postgres.ts";
import { postgresMissing, startPostgres } from "../../../../testing/postgres.ts";
import { addChannel, addDeliveries, addMonitors, makeSchedulesDue, times } from "../../../../testing/rows.ts";

const postgres = postgresMissing === null ? await startPostgres() : null;
afterAll(() => postgres?.stop());

it.skipIf(postgres === null)("leases from 10,000 due deliveries within the time a statement may take", async () => {
  const sql = createPostgresSql({ url: (await postgres?.createDatabase()) ?? "" });
  await addChannel(sql, { id: "ch_a" });
  await addMonitors(
    sql,
    times(10_000, (n) => ({ id: `mon_${n}` })),
  );
  // Nothing has counted these rows yet, as in the first minute of a large outage.
  await addDeliveries(
    sql,
    times(10_000, (n) => ({ channelId: "ch_a", monitorId: `mon_${n}` })),
  );
  const leased = await leaseDeliveries(sql, ["ch_a"]);
  await sql.close();
  expect(leased).toHaveLength(20);
});

it.skipIf(postgres === null)("sweeps 10,000 deliveries that wait for their next try within that time", async () => {
  const sql = createPostgresSql({ url: (await postgres?.createDatabase()) ?? "" });
  await addChannel(sql, { id: "ch_a" });
  // A monitor's second one waits behind its first, which was tried after it was planned: nothing new.
  const waiting = { channelId: "ch_a", nextAttemptAt: 3600, attemptedAt: 1 };
  const bothOf = (n: number) => [1, 2].map((eventNumber) => ({ ...waiting, monitorId: `mon_${n}`, eventNumber }));
  await addDeliveries(sql, times(5000, bothOf).flat());
  await makeSchedulesDue(sql);
  const claimed = await claimDueChannels(sql);
  await sql`
    update deliveries set next_attempt_at = app_now(), created_at = app_now() + interval '2 s' where id = 'dlv_5_2_a'`;
  await makeSchedulesDue(sql);
  await claimDueChannels(sql);
  const due = await sql`select id from deliveries where next_attempt_at <= app_now() order by id`;
  await sql.close();
  expect(claimed.channelIds).toEqual([]);
  expect(due).toEqual([{ id: "dlv_5_1_a" }, { id: "dlv_5_2_a" }]);
});
