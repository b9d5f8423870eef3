import { access, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { StillupError } from "../../errors.ts";
import { driverCallsTotal, type Metrics } from "../../metrics.ts";
import { lockFolder } from "./folder-lock.ts";
import { createSql, type Row, type Statement } from "./query.ts";
import type { SqlDriver } from "./sql.ts";
import { refused, type ServerError, unavailable } from "./sql-error.ts";
import { parsers } from "./values.ts";

interface PgliteOptions {
  /** The folder of the data; in memory when left out. */
  readonly dataDir?: string;
  /** What a database in memory begins with. */
  readonly snapshot?: Blob;
  readonly metrics?: Metrics;
}

const MAX_WAITING = 1000;

/**
 * The Sql port on a Postgres inside this process. Statements run one after the other, on the process' own thread. What
 * was acknowledged survives when the process is killed, but perhaps not a power cut: PGlite runs without fsync.
 * @throws StillupError `database_unavailable` when another process has the folder, or it cannot be opened. It names the
 * folder and says what to do.
 */
export async function createPgliteSql(options: PgliteOptions = {}): Promise<SqlDriver> {
  const { dataDir, snapshot, metrics } = options;
  const place = dataDir === undefined ? "memory" : resolve(dataDir);
  let unlock = async () => {};
  try {
    if (dataDir !== undefined) unlock = await lockFolder(place);
    const db = await (dataDir === undefined ? openMemory(snapshot) : openFolder(place));
    return createDriver(db, place, { metrics, unlock });
  } catch (error) {
    await unlock();
    throw error instanceof StillupError ? error : unavailable(place, String(error), { cause: error });
  }
}

function createDriver(
  db: PGlite,
  place: string,
  { metrics, unlock }: { readonly metrics: Metrics | undefined; unlock(): Promise<void> },
): SqlDriver {
  let waiting = 0;
  let closed: Promise<void> | undefined;
  db.parsers = { ...parsers };
  db.serializers = {};

  const send = async (on: Pick<PGlite, "query">, { text, values }: Statement): Promise<Row[]> => {
    try {
      return (await on.query<Row>(text, [...values])).rows;
    } catch (error) {
      throw failed(error, place, text);
    }
  };
  const bounded = async <T>(kind: "query" | "transaction", work: () => Promise<T>): Promise<T> => {
    metrics?.count(driverCallsTotal, { driver: "pglite", kind });
    if (waiting >= MAX_WAITING) throw unavailable(place, `${MAX_WAITING} statements wait already`);
    waiting += 1;
    try {
      return await work();
    } catch (error) {
      throw failed(error, place, "commit");
    } finally {
      waiting -= 1;
    }
  };

  return createSql({
    query: (statement) => bounded("query", () => send(db, statement)),
    transaction: (statements) =>
      bounded("transaction", () =>
        db.transaction(async (inside) => {
          const rows: Row[][] = [];
          for (const statement of statements) rows.push(await send(inside, statement));
          return rows;
        }),
      ),
    async script(text) {
      await db.exec(text).catch((error) => {
        throw failed(error, place, "a script");
      });
    },
    close() {
      closed ??= db.close().finally(unlock);
      return closed;
    },
  });
}

async function openMemory(snapshot: Blob | undefined): Promise<PGlite> {
  return await PGlite.create(snapshot === undefined ? {} : { loadDataDir: snapshot });
}

/** A new database is made beside its folder and moved there when it is complete: a start may be killed half-way. */
async function openFolder(folder: string): Promise<PGlite> {
  if (!(await isThere(join(folder, "PG_VERSION")))) {
    if (!(await isEmpty(folder))) throw damaged(folder, new Error("there is no PG_VERSION in it"));
    const unfinished = `${folder}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await (await PGlite.create(unfinished)).close();
    await rename(unfinished, folder);
  }
  return await PGlite.create(folder).catch((error: unknown) => {
    throw damaged(folder, error);
  });
}

/** PGlite's own error only says that it could not start. */
function damaged(folder: string, cause: unknown): StillupError {
  const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
  const detail =
    `The database in ${folder} cannot be opened: ${reason}. Its files are damaged, or the disk is full. Make room, put a ` +
    "copy of the folder in its place, or move the folder away to begin with an empty database.";
  return new StillupError("database_unavailable", detail, { cause });
}

/** Also true for a folder that does not exist. */
async function isEmpty(folder: string): Promise<boolean> {
  return await readdir(folder).then(
    (names) => names.length === 0,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

function failed(error: unknown, place: string, text: string): StillupError {
  if (error instanceof StillupError) return error;
  if (error instanceof Error && "severity" in error && "code" in error) {
    return refused(error as ServerError, place, text);
  }
  return unavailable(place, String(error), { cause: error });
}
