import { createPgliteSql } from "../../runtime/drivers/sql/pglite.ts";
import { sqlContract } from "./sql.ts";

sqlContract("on PGlite", createPgliteSql);
