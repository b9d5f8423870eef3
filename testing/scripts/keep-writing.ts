import { createPgliteSql } from "../../runtime/drivers/sql/pglite.ts";

/** Writes 1, 2, 3, ... into the PGlite folder in its first argument, and prints each when it is acknowledged. */
const sql = await createPgliteSql({ dataDir: process.argv[2] ?? "" });
await sql.script("create table if not exists numbers (n int primary key)");
const [row] = await sql<{ last: number }>`select coalesce(max(n), 0) as last from numbers`;
for (let n = (row?.last ?? 0) + 1; ; n++) {
  await sql`insert into numbers values (${n})`;
  process.stdout.write(`${n}\n`);
}
