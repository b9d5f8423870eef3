import { Redis, type RedisOptions, ReplyError } from "ioredis";
import { StillupError } from "../../errors.ts";
import { jitter } from "../../jitter.ts";
import { backoffMs } from "../../retry.ts";
import { parseUrl } from "../../url.ts";
import { saysFull } from "./redis-entries.ts";

/** How long a command may take to be answered, connecting and reconnecting included. */
export const commandTimeoutMs = 5_000;
const connectTimeoutMs = 4_000;
const reconnecting = { firstMs: 100, maxMs: 2_000 };

/** What a `redis:` or `rediss:` URL says. `name` is for messages: it never contains the password. */
export interface RedisTarget {
  readonly name: string;
  readonly options: Pick<RedisOptions, "host" | "port" | "db" | "username" | "password" | "tls">;
  /** A `stream_unavailable` whose message is the name and these words. */
  readonly failure: (what: string) => StillupError;
}

/** One connection that opens with its first command and reconnects by itself until it is closed. */
export interface RedisConnection {
  readonly redis: Redis;
  /**
   * Resolves with what `work` resolves with. When the server does not answer within `timeoutMs`, the connection is
   * dropped with everything that waits on it, so that nothing piles up behind a dead link.
   * @throws StillupError `stream_unavailable`, `stream_full`. The server may have carried them out all the same.
   */
  run<T>(work: (redis: Redis) => Promise<T>, timeoutMs?: number): Promise<T>;
  /** Drops the connection. What waits on it fails, and it connects again. */
  drop(): void;
  /** Resolves when the socket is gone. */
  close(): Promise<void>;
}

/** @throws StillupError `invalid_configuration` when the URL is not one of Redis. */
export function parseRedisUrl(text: string): RedisTarget {
  const url = parseUrl(text);
  const db = url?.pathname.slice(1) ?? "";
  const username = decode(url?.username ?? "");
  const password = decode(url?.password ?? "");
  if (
    !/^rediss?:$/.test(url?.protocol ?? "") ||
    !url?.hostname ||
    !/^\d*$/.test(db) ||
    username === null ||
    password === null
  ) {
    throw new StillupError("invalid_configuration", "The Redis URL must read redis://[user:password@]host[:port][/db]");
  }
  const port = Number(url.port || 6379);
  const name = `Redis at ${url.hostname}:${port}`;
  return {
    name,
    failure: (what) => new StillupError("stream_unavailable", `${name} ${what}`),
    options: {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port,
      db: Number(db),
      ...(username === "" ? {} : { username }),
      ...(password === "" ? {} : { password }),
      // Node verifies the certificate and the host name by default.
      ...(url.protocol === "rediss:" ? { tls: {} } : {}),
    },
  };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export function openConnection(target: RedisTarget): RedisConnection {
  const redis = new Redis({
    ...target.options,
    lazyConnect: true,
    // RESP3 flattens the reply of XREADGROUP.
    protocol: 2,
    connectionName: "stillup",
    disableClientInfo: true,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: 500,
    // A server that loads its data answers LOADING at once; the check would hold commands back until it is done.
    enableReadyCheck: false,
    // 0: what was sent or waits fails with the connection. An XADD that is sent again could add twice.
    maxRetriesPerRequest: 0,
    // ioredis does not handle the rejection of its own resubscription, which ends the process.
    autoResubscribe: false,
    retryStrategy: (failures) => jitter(backoffMs(failures, reconnecting), { min: 0.5, max: 1 }),
  });
  let closed = false;
  let lastFailure = "the connection was lost";
  const waiting = new Set<(reason: StillupError) => void>();
  const explain = (error: unknown): StillupError => {
    if (error instanceof StillupError) return error;
    if (!isReply(error)) return target.failure(`cannot be reached: ${lastFailure}`);
    const refusal = `refused a command: ${reasonOf(error)}`;
    return saysFull(error.message)
      ? new StillupError("stream_full", `${target.name} ${refusal}`)
      : target.failure(refusal);
  };
  const giveUp = (reason: StillupError) => {
    for (const reject of waiting) reject(reason);
  };
  const drop = (reason: StillupError) => {
    if (redis.stream?.writable) redis.disconnect(true);
    giveUp(reason);
  };

  redis.on("ready", () => {
    lastFailure = "the connection was lost";
  });
  redis.on("error", (error: Error) => {
    lastFailure = reasonOf(error);
    // A refused SELECT would leave the connection in database 0.
    if (isReply(error)) drop(explain(error));
  });

  return {
    redis,
    async run(work, timeoutMs = commandTimeoutMs) {
      if (closed) throw target.failure("is closed");
      let reject: (reason: StillupError) => void = () => {};
      const givenUp = new Promise<never>((_resolve, rejectIt) => {
        reject = rejectIt;
      });
      const timer = setTimeout(() => drop(target.failure(`did not answer within ${timeoutMs / 1000} s`)), timeoutMs);
      waiting.add(reject);
      try {
        return await Promise.race([work(redis), givenUp]);
      } catch (error) {
        throw explain(error);
      } finally {
        clearTimeout(timer);
        waiting.delete(reject);
      }
    },
    drop: () => drop(target.failure("was given up")),
    async close() {
      // Without a socket there is no event to wait for, and nothing that would fail what waits for a connection.
      const ended = redis.stream?.destroyed === false && new Promise<void>((resolve) => redis.once("end", resolve));
      closed = true;
      redis.disconnect();
      giveUp(target.failure("is closed"));
      await ended;
    },
  };
}

/** True for an error that the server sent, false for a failure to reach it. */
export function isReply(error: unknown): error is Error {
  return error instanceof ReplyError;
}

/**
 * The server's or the system's own words. A ReplyError also contains its command, with a password or bodies in it, so
 * the error itself is never passed on.
 */
function reasonOf(error: Error): string {
  // Connecting to a name with several addresses fails with an AggregateError, whose message is empty.
  return error.message || (error as { code?: string }).code || error.name;
}
