import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { onFreePort } from "./ports.ts";

const givenUrl = process.env["TEST_REDIS_URL"];
const program = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "redis-server"))
  .find(existsSync);

/** Why tests that need a redis-server of their own cannot run here, and what to do; null when they can. */
export const ownRedisMissing =
  program === undefined ? "there is no redis-server: apt-get install redis-server, or brew install redis" : null;

/** The same for tests that can do with any Redis. */
export const redisMissing =
  ownRedisMissing === null || givenUrl ? null : `${ownRedisMissing}, or set TEST_REDIS_URL=redis://host:port`;

/** A Redis for one test file. All of its keys and channels begin with `prefix`, so that one server serves many files. */
export interface TestRedis {
  readonly url: string;
  readonly prefix: string;
  /** Deletes all that begins with the prefix. */
  loseEverything(): Promise<void>;
  stop(): Promise<void>;
}

/** A redis-server that a test may hurt. */
export interface OwnRedis extends TestRedis {
  readonly port: number;
  /** Where it keeps what it writes. */
  readonly folder: string;
  /** Has the server killed as by a crash; resolves when it is gone. */
  kill9(): Promise<void>;
  /** Starts it again on the same port, with what it had kept. */
  restart(): Promise<void>;
  /** Stops it in its tracks: connections stand, and nothing answers. */
  pause(): void;
  resume(): void;
}

/** TEST_REDIS_URL's server if there is one, else one of the test's own. Only where `redisMissing` is null. */
export async function startRedis(): Promise<TestRedis> {
  if (!givenUrl) return startOwnRedis();
  const given = onServer(givenUrl);
  return { ...given, stop: given.loseEverything };
}

/** `args` are redis-server's; without any it keeps nothing on disk. Only where `ownRedisMissing` is null. */
export async function startOwnRedis(args: readonly string[] = []): Promise<OwnRedis> {
  const folder = await mkdtemp(join(tmpdir(), "stillup-redis-"));
  const start = (at: number) =>
    launch(["--port", `${at}`, "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...args]);
  const first = await onFreePort(async (port) => ({ port, server: await start(port) }));
  const { port } = first;
  let { server } = first;
  const kill9 = async () => {
    server.signal("SIGKILL");
    await server.ended;
  };
  return {
    ...onServer(`redis://127.0.0.1:${port}`),
    port,
    folder,
    kill9,
    restart: async () => {
      server = await start(port);
    },
    pause: () => server.signal("SIGSTOP"),
    resume: () => server.signal("SIGCONT"),
    stop: async () => {
      await kill9();
      await rm(folder, { recursive: true });
    },
  };
}

function onServer(url: string): Omit<TestRedis, "stop"> {
  const prefix = `stillup-test-${randomUUID()}:`;
  const loseEverything = async () => {
    const redis = new Redis(url);
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(...keys);
    await redis.quit();
  };
  return { url, prefix, loseEverything };
}

interface Server {
  signal(signal: NodeJS.Signals): void;
  readonly ended: Promise<unknown>;
}

/** The shell ends the server when its own stdin ends, so that none outlives the tests, however they end. */
const holdServer = `exec 3<&0; "$@" & pid=$!; echo "pid $pid"; (cat <&3; kill -9 $pid) >/dev/null 2>&1 & wait $pid`;

async function launch(args: readonly string[]): Promise<Server> {
  const shell = spawn("sh", ["-c", holdServer, "sh", program ?? "redis-server", ...args], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = once(shell, "exit").then(() => shell.stdin.end());
  const output: string[] = [];
  const pid = await new Promise<number>((resolve, reject) => {
    createInterface(shell.stdout).on("line", (line) => {
      output.push(line);
      // The server may have written its first lines before the shell tells its number.
      const told = output.find((each) => /^pid \d+$/.test(each));
      if (told !== undefined && output.some((each) => each.includes("Ready to accept"))) resolve(Number(told.slice(4)));
    });
    shell.once("close", () => reject(new Error(`redis-server did not start:\n${output.join("\n")}`)));
  });
  return {
    ended,
    signal: (signal) => {
      if (shell.exitCode === null) process.kill(pid, signal);
    },
  };
}
