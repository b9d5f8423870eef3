import { readFile } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import type { Row, Statement } from "../../runtime/drivers/sql/query.ts";
import { parsers } from "../../runtime/drivers/sql/values.ts";
import { StillupError } from "../../runtime/errors.ts";

/** One Postgres for all simulated processes: statements are carried out one after the other, at the time that is given. */
export interface Database {
  /** Carries the statements out as one transaction. Throws what the port's adapters throw. */
  carryOut(atMs: number, statements: readonly Statement[]): Promise<Row[][]>;
  /** As it was after the migrations, with ids and phases made from `seed`. */
  empty(seed: number): Promise<void>;
  close(): Promise<void>;
}

/** The database of a snapshot that snapshot.ts made. */
export async function openDatabase(snapshotPath: string): Promise<Database> {
  const db = await PGlite.create({ loadDataDir: new Blob([await readFile(snapshotPath)]) });
  db.parsers = { ...parsers };
  // Planned once: a fifth of the time that planning each statement anew takes.
  await db.exec("set plan_cache_mode = force_generic_plan; set timezone = 'UTC'");
  const prepared = new Map<string, string>();

  const prepare = async (text: string): Promise<string> => {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    const name = `statement_${prepared.size}`;
    await db.exec(`prepare ${name} as ${text}`);
    prepared.set(text, name);
    return name;
  };

  const carryOut = async (atMs: number, statements: readonly Statement[]): Promise<Row[][]> => {
    try {
      const executes: string[] = [];
      for (const { text, values } of statements) {
        const args = values.length === 0 ? "" : `(${values.map(literal).join(", ")})`;
        executes.push(`execute ${await prepare(text)}${args}`);
      }
      // One message is one transaction.
      const at = `set simulation.now = '${new Date(atMs).toISOString()}'`;
      const [, ...results] = await db.exec([at, ...executes].join(";\n"));
      return results.map(({ rows }) => rows as Row[]);
    } catch (error) {
      const { message, code } = error as { message: string; code?: string };
      const options = code === undefined ? { cause: error } : { cause: error, sqlState: code };
      throw new StillupError("database_error", message, options);
    }
  };

  return {
    carryOut,
    async empty(seed) {
      await db.exec(`select simulation.empty(${seed})`);
    },
    close: () => db.close(),
  };
}

function literal(value: string | null): string {
  return value === null ? "null" : `'${value.replaceAll("'", "''")}'`;
}
