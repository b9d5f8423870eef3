import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import pg from "pg";
import { migrate, readMigrations } from "../runtime/drivers/sql/migrate.ts";
import { createPostgresSql } from "../runtime/drivers/sql/postgres.ts";
import { onFreePort } from "./ports.ts";

const givenUrl = process.env["TEST_DATABASE_URL"];
const programs = findPrograms();

/** Why tests that need a Postgres of their own cannot run here, and what to do; null when they can. */
export const ownPostgresMissing =
  programs === null ? "there is no postgres and initdb: apt-get install postgresql, or brew install postgresql" : null;

/** The same for tests that can do with any Postgres. */
export const postgresMissing =
  ownPostgresMissing === null || givenUrl
    ? null
    : `${ownPostgresMissing}, or set TEST_DATABASE_URL=postgres://user:password@host:port/database`;

/** A server for one test file. */
export interface TestPostgres {
  /** Of a database that is always there. Its user may make others. */
  readonly url: string;
  /** A migrated database of its own: a copy, made in 50 ms. Resolves with its URL. */
  createDatabase(): Promise<string>;
  /** A database with nothing in it. Resolves with its URL. */
  createEmptyDatabase(): Promise<string>;
  /** Ends the server, or on one that was given drops the databases made. */
  stop(): Promise<void>;
}

/** A server that a test may hurt. */
export interface OwnPostgres extends TestPostgres {
  readonly port: number;
  /** Ends it as an operator does, sessions and all; resolves when it is gone. */
  shutDown(): Promise<void>;
  /** Starts it again on the same port, with what it had kept. */
  restart(): Promise<void>;
  /** Stops it and its sessions in their tracks: connections stand, and nothing answers. */
  pause(): void;
  resume(): void;
  /** Has one session's process killed as by a crash. The server then ends all others and recovers. */
  kill9Backend(pid: number): void;
}

/** TEST_DATABASE_URL's server if there is one, else one of the test's own. Only where `postgresMissing` is null. */
export async function startPostgres(): Promise<TestPostgres> {
  if (!givenUrl) return await startOwnPostgres();
  const databases = createDatabases(givenUrl);
  return { url: givenUrl, ...databases, stop: databases.dropAll };
}

export interface OwnPostgresOptions {
  /** The server's, such as `ssl=on`. */
  readonly settings?: readonly string[];
  /** Put into the data folder before it starts, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Only where `ownPostgresMissing` is null. */
export async function startOwnPostgres({ settings = [], files = {} }: OwnPostgresOptions = {}): Promise<OwnPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "stillup-postgres-"));
  const owner = serverUser();
  await initialise(folder, owner);
  for (const [name, text] of Object.entries(files)) await give(join(folder, "data", name), text, owner);
  const start = (port: number) => launch({ folder, port, owner, settings });
  const first = await onFreePort(async (port) => ({ port, server: await start(port) }));
  const { port } = first;
  let { server } = first;
  const url = `postgres://stillup:${PASSWORD}@127.0.0.1:${port}/postgres`;
  const shutDown = async () => {
    server.signal("SIGINT");
    await server.ended;
    await setImmediate(); // what its sessions' sockets say comes in the same turn
  };
  const { createDatabase, createEmptyDatabase } = createDatabases(url);
  return {
    url,
    port,
    createDatabase,
    createEmptyDatabase,
    shutDown,
    async restart() {
      server = await start(port);
    },
    pause: () => server.signalAll("SIGSTOP"),
    resume: () => server.signalAll("SIGCONT"),
    kill9Backend: (pid) => void process.kill(pid, "SIGKILL"),
    async stop() {
      server.signalAll("SIGCONT");
      await shutDown();
      await rm(folder, { recursive: true });
    },
  };
}

/** Has characters that a URL must encode, so that every test reads one. */
const PASSWORD = encodeURIComponent("p@ss/word%");

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** Postgres refuses to run as root. */
function serverUser(): Owner {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string) => {
    for (const name of ["postgres", "nobody"]) {
      try {
        return Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }));
      } catch {}
    }
    throw new Error("Postgres does not run as root, and there is no user postgres or nobody to run it as.");
  };
  return { uid: idOf("-u"), gid: idOf("-g") };
}

async function give(path: string, text: string, { uid, gid }: Owner): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}

async function initialise(folder: string, owner: Owner): Promise<void> {
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(folder, owner.uid, owner.gid);
  const passwordFile = join(folder, "password");
  await give(passwordFile, decodeURIComponent(PASSWORD), owner);
  const options = ["-U", "stillup", "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8", "--locale=C", "-N"];
  const initdb = spawn(join(programs ?? "", "initdb"), ["-D", join(folder, "data"), ...options], {
    ...owner,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors: string[] = [];
  initdb.stderr.on("data", (text) => errors.push(String(text)));
  const [code] = await once(initdb, "close");
  if (code !== 0) throw new Error(`initdb failed: ${errors.join("")}`);
}

interface Launch {
  readonly folder: string;
  readonly port: number;
  readonly owner: Owner;
  readonly settings: readonly string[];
}

interface Server {
  signal(signal: NodeJS.Signals): void;
  /** To the server and all its sessions. */
  signalAll(signal: NodeJS.Signals): void;
  readonly ended: Promise<unknown>;
}

/** The shell ends the server when its own stdin ends, so that none outlives the tests, however they end. */
const HOLD = `exec 3<&0; "$@" & pid=$!; (cat <&3; kill -CONT $pid; kill -QUIT $pid) >/dev/null 2>&1 & wait $pid`;

async function launch({ folder, port, owner, settings }: Launch): Promise<Server> {
  const all = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${folder}`,
    "fsync=off",
    "logging_collector=off",
    "log_destination=stderr",
    ...settings,
  ].flatMap((setting) => ["-c", setting]);
  const args = [join(programs ?? "", "postgres"), "-D", join(folder, "data"), ...all];
  const shell = spawn("sh", ["-c", HOLD, "sh", ...args], { ...owner, stdio: ["pipe", "ignore", "pipe"] });
  const ended = once(shell, "exit").then(() => shell.stdin.end());
  await untilReady(shell.stderr, ended);
  const pid = Number((await readFile(join(folder, "data/postmaster.pid"), "utf8")).split("\n")[0]);
  const signal = (to: number, name: NodeJS.Signals) => {
    if (shell.exitCode !== null) return;
    try {
      process.kill(to, name);
    } catch (error) {
      // A session may end between being found and being signalled.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  return {
    ended,
    signal: (name) => signal(pid, name),
    signalAll: (name) => {
      signal(pid, name); // first, so that it starts no further ones
      for (const child of childrenOf(pid)) signal(child, name);
    },
  };
}

async function untilReady(log: NodeJS.ReadableStream, ended: Promise<unknown>): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(log).on("line", (line) => {
      lines.push(line);
      if (line.includes("ready to accept connections")) resolve();
    });
    void ended.then(() => reject(new Error(`postgres did not start:\n${lines.join("\n")}`)));
  });
}

function childrenOf(pid: number): number[] {
  const list = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  const pairs = list.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child ?? 0);
}

/** Databases on a server, from a template that is migrated when first needed. */
function createDatabases(url: string) {
  const made: string[] = [];
  let template: Promise<string> | undefined;

  const create = async (from: string): Promise<string> => {
    const name = `stillup_test_${randomUUID().replaceAll("-", "")}`;
    await onServer(url, `create database ${name} template ${from}`);
    made.push(name);
    return name;
  };
  const urlOf = (name: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href;
  const makeTemplate = async (): Promise<string> => {
    const name = await create("template0");
    const sql = createPostgresSql({ url: urlOf(name) });
    try {
      await migrate(sql, await readMigrations(join(import.meta.dirname, "../migrations")));
    } finally {
      await sql.close();
    }
    return name;
  };
  return {
    async createDatabase() {
      template ??= makeTemplate();
      return urlOf(await create(await template));
    },
    createEmptyDatabase: async () => urlOf(await create("template0")),
    async dropAll() {
      for (const name of made) await onServer(url, `drop database if exists ${name} with (force)`);
    },
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function findPrograms(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    ...versions.map((version) => join(debian, version, "bin")),
  ];
  return folders.find((folder) => ["postgres", "initdb"].every((name) => existsSync(join(folder, name)))) ?? null;
}
