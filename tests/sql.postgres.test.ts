import { afterAll } from "vitest";
import { createPostgresSql } from "../runtime/sql/postgres.ts";
import { sqlContract } from "./contracts/sql.ts";
import { postgresMissing, startPostgres } from "./support/postgres.ts";

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
