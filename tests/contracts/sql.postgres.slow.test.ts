import { afterAll, expect, it } from "vitest";
import { createPostgresSql } from "../../runtime/drivers/sql/postgres.ts";
import { postgresMissing, startPostgres } from "../../testing/postgres.ts";
import { sqlContract } from "./sql.ts";

const postgres = postgresMissing === null ? await startPostgres() : null;
afterAll(() => postgres?.stop());

sqlContract(
  "over TCP",
  async () => createPostgresSql({ url: (await postgres?.createEmptyDatabase()) ?? "" }),
  postgresMissing,
);
sqlContract(
  "over TCP through a pooler",
  async () => createPostgresSql({ url: (await postgres?.createEmptyDatabase()) ?? "", behindPooler: true }),
  postgresMissing,
);

it.skipIf(postgres === null)("plans a statement once, but not behind a pooler", async () => {
  const planning = async (behindPooler: boolean) => {
    const sql = createPostgresSql({ url: postgres?.url ?? "", planOnce: true, behindPooler });
    const [row] = await sql`select current_setting('plan_cache_mode') as mode`;
    await sql.close();
    return row?.["mode"];
  };
  expect(await planning(false)).toBe("force_generic_plan");
  expect(await planning(true)).toBe("auto");
});
