import { createPgliteSql } from "../runtime/sql/pglite.ts";
import { sqlContract } from "./contracts/sql.ts";

sqlContract("on PGlite", createPgliteSql);
