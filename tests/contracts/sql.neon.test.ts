import { afterAll, beforeAll } from "vitest";
import { createNeonSql } from "../../runtime/drivers/sql/neon.ts";
import { createPostgresSql } from "../../runtime/drivers/sql/postgres.ts";
import type { SqlDriver } from "../../runtime/drivers/sql/sql.ts";
import { startNeon, type TestNeon } from "../../testing/neon.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { sqlContract } from "./sql.ts";

let postgres: TestPostgres | null = null;
let neon: TestNeon | null = null;
beforeAll(async () => {
  if (postgresMissing !== null) return;
  postgres = await startPostgres();
  neon = await startNeon(postgres.url);
});
afterAll(async () => {
  await neon?.close();
  await postgres?.stop();
});

/** Over HTTP there are no scripts; they go where migrations go. */
async function connect(): Promise<SqlDriver> {
  if (postgres === null || neon === null) throw new Error("There is no Postgres.");
  const database = await postgres.createEmptyDatabase();
  const http = createNeonSql({ url: neon.urlOf(database), fetchOptions: neon.fetchOptions });
  const tcp = createPostgresSql({ url: database });
  const close = http.close;
  return Object.assign(http, {
    script: tcp.script,
    close: async () => void (await Promise.all([close(), tcp.close()])),
  });
}

sqlContract("over HTTP, on Neon", connect, postgresMissing);
