import { migrate, readMigrations } from "../../runtime/drivers/sql/migrate.ts";
import { createPostgresSql } from "../../runtime/drivers/sql/postgres.ts";

/** Brings the database of its first argument up to date with the folder of its second, and prints how that went. */
const sql = createPostgresSql({ url: process.argv[2] ?? "" });
try {
  const applied = await migrate(sql, await readMigrations(process.argv[3] ?? ""));
  console.log(`applied ${applied.length}`);
} catch (error) {
  console.log(String(error));
}
await sql.close();
