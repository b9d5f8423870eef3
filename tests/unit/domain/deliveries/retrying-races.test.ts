import { setImmediate } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { deleteChannel } from "../../../../domain/channels/delete-channel.ts";
import { retryDeadLetter, retryDeadLetters } from "../../../../domain/dead-letters/retry-dead-letters.ts";
import { cancelDelivery } from "../../../../domain/deliveries/cancel-delivery.ts";
import { leaseDeliveries } from "../../../../domain/deliveries/lease-deliveries.ts";
import { recordCancelled, recordExhausted } from "../../../../domain/deliveries/record-attempt.ts";
import { retryDeliveries, retryDelivery } from "../../../../domain/deliveries/retry-deliveries.ts";
import { createPostgresSql } from "../../../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../../../runtime/drivers/sql/sql.ts";
import { createMemoryStream } from "../../../../runtime/drivers/stream/memory.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../../../testing/postgres.ts";
import { addChannel, addDeadLetters, addDeliveries, addMonitors, times } from "../../../../testing/rows.ts";

const OPERATORS = 8;
const START = { at: "infinity", id: "" };

/** Several operators at once, and what one connection cannot show. */
describe.skipIf(postgresMissing !== null)(`on a real Postgres${postgresMissing ? `: ${postgresMissing}` : ""}`, () => {
  let server: TestPostgres;
  let sql: SqlDriver;
  let holder: pg.Client;
  let channelId: string;

  beforeAll(async () => {
    server = await startPostgres();
    const url = await server.createDatabase();
    sql = createPostgresSql({ url });
    holder = new pg.Client(url);
    await holder.connect();
  });
  afterAll(async () => {
    await sql?.close();
    await holder?.end();
    await server?.stop();
  });
  beforeEach(async () => {
    await sql`delete from deliveries`;
    await sql`delete from dead_letters`;
    channelId = await addChannel(sql);
  });

  /** Exhausted deliveries to the channel, each of a monitor of its own; resolves with their ids. */
  async function exhaust(count: number): Promise<string[]> {
    const monitors = await addMonitors(sql, times(count, {}));
    const exhausted = { channelId, status: "exhausted", attempts: 10, finishedAt: 0 };
    return addDeliveries(
      sql,
      monitors.map((monitorId) => ({ ...exhausted, monitorId })),
    );
  }

  async function statuses(): Promise<unknown[]> {
    return sql`select status, count(*)::int4 as count from deliveries group by status order by status`;
  }

  async function untilWaiting(count: number): Promise<void> {
    for (;;) {
      const [row] = await sql<{ count: number }>`
        select count(*)::int4 as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      if (row?.count === count) return;
      await setImmediate();
    }
  }

  /** All calls of one operator. Resolves with how many deliveries were retried. */
  async function retryAll(): Promise<number> {
    const { answer } = await retryDeliveries(sql, { channelId, monitorId: null, cursor: START });
    return answer.retried;
  }

  it("deliveries that operators retry at once, one by one and all together, are each retried once", async () => {
    const ids = await exhaust(300);
    const all = await Promise.all(Array.from({ length: OPERATORS }, retryAll));
    const some = await exhaust(100);
    const byTwo = await Promise.all([...some, ...some].map((id) => retryDelivery(sql, id)));
    expect(all.reduce((sum, count) => sum + count)).toBe(ids.length);
    expect(byTwo.flatMap(({ channelIds }) => channelIds)).toHaveLength(some.length);
    expect(byTwo.every(({ delivery }) => delivery.status === "pending")).toBe(true);
    expect(await statuses()).toEqual([{ status: "pending", count: 400 }]);
  });

  it("retries, drops and tries that meet on the same deliveries end in no deadlock, and nothing is left leased", async () => {
    const ids = await exhaust(200);
    const work = async () => {
      for (let round = 0; round < 20; round++) {
        const leased = await leaseDeliveries(sql, [channelId]);
        await Promise.all(
          leased.map(({ id, attempt }) => recordExhausted(sql, { id, attempt }, "The attempt failed.")),
        );
      }
    };
    const drop = ids.slice(0, 50).map((id) => cancelDelivery(sql, id));
    await Promise.all([work(), work(), ...drop, ...Array.from({ length: OPERATORS }, retryAll)]);
    const [left] = await sql`
      select count(*) filter (where leased_until is not null)::int4 as leased,
        count(*) filter (where status = 'cancelled')::int4 as cancelled
      from deliveries`;
    expect(left).toEqual({ leased: 0, cancelled: 50 });
  });

  it("a delivery whose channel is deleted while its retry waits is sent by nobody", async () => {
    const [id = ""] = await exhaust(1);
    await holder.query("begin");
    await holder.query("select from deliveries where id = $1 for update", [id]);
    const retried = retryDelivery(sql, id).catch((error: unknown) => error);
    await untilWaiting(1);
    await deleteChannel(sql, channelId);
    await holder.query("commit");
    await retried;
    const leased = await leaseDeliveries(sql, [channelId]);
    expect(leased.filter((delivery) => !delivery.void)).toEqual([]);
    await Promise.all(leased.map((delivery) => recordCancelled(sql, delivery)));
    expect(await statuses()).toEqual([{ status: "cancelled", count: 1 }]);
  });

  it("dead letters that operators retry at once all go back, and none stays", async () => {
    const ids = await addDeadLetters(
      sql,
      times(90, (n) => ({ stream: "alerts.due", messageId: `${n}`, body: `${n}` })),
    );
    const stream = createMemoryStream();
    const sources = [{ stream: "alerts.due", group: "g", batchSize: 1, parallel: 1 }];
    const all = Array.from({ length: OPERATORS }, () =>
      retryDeadLetters({ sql, stream, sources }, { stream: null, cursor: START }),
    );
    const each = ids.map((id) => retryDeadLetter({ sql, stream, sources }, id).catch(() => {})); // gone already
    await Promise.all([...all, ...each]);
    const who = { stream: "alerts.due", group: "g", consumer: "c" };
    const read = { count: 5000, blockMs: 0, signal: new AbortController().signal };
    const bodies = new Set((await stream.read(who, read)).map(({ body }) => body));
    expect(bodies.size).toBe(ids.length);
    expect(await sql`select from dead_letters`).toEqual([]);
  });
});
