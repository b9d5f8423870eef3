import { createPostgresSql } from "../../runtime/drivers/sql/postgres.ts";

/** Prints how the connection to the URL in its first argument is encrypted, or why there is none. */
const sql = createPostgresSql({ url: process.argv[2] ?? "" });
try {
  const [row] = await sql<{ version: string }>`select version from pg_stat_ssl where pid = pg_backend_pid()`;
  console.log(row?.version);
} catch (error) {
  console.log(String(error));
}
await sql.close();
