import { StillupError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import type { UpstashTarget } from "./upstash-target.ts";

const callTimeoutMs = 5_000;

/** One command of a trip: its name in upper case, and its arguments. */
export type Command = readonly [name: string, ...args: (string | number)[]];

/** What the service answers a command: `error` when it refused it. */
export interface Reply {
  readonly result: unknown;
  readonly error?: string;
}

export interface SendOptions {
  /** All of them or none, and nothing of others in between. */
  readonly atomically?: boolean;
}

/** Sends commands over REST, never twice: after a failure nobody knows whether they were carried out. */
export interface UpstashClient {
  /**
   * The commands' replies, of one trip. `kind` is what it is counted as.
   * @throws StillupError `stream_unavailable` when there is no answer within 5 s, or it is not of the service.
   */
  send(kind: string, commands: readonly Command[], options?: SendOptions): Promise<readonly Reply[]>;
  /** What a reply carries. @throws StillupError `stream_unavailable` when it is a refusal, or there is none. */
  resultOf(reply: Reply | undefined): unknown;
  /** Counts a trip that is not sent here. */
  countTrip(kind: string): void;
  /** Counts commands that are charged for and that `send` does not see: a script's, a subscription's. */
  countCharged(name: string, times?: number): void;
  /** Fails what is still going on. */
  close(): void;
}

export interface ClientOptions {
  readonly metrics?: Pick<Metrics, "count">;
  /** Told after each trip whether it found the service there. */
  readonly onCall?: (isThere: boolean) => void;
}

export function createClient(target: UpstashTarget, { metrics, onCall }: ClientOptions): UpstashClient {
  const going = new Set<AbortController>();
  const ask = createAsking(target);
  let closed = false;
  const count = (kind: string, times: number) =>
    metrics?.count("stillup_driver_calls_total", { driver: "upstash", kind }, times);
  const countTrip = (kind: string) => count(kind, 1);
  const countCharged = (name: string, times = 1) => count(`command:${name}`, times);

  return {
    countTrip,
    countCharged,

    resultOf(reply) {
      if (reply !== undefined && reply.error === undefined) return reply.result;
      onCall?.(false);
      throw reply?.error === undefined ? target.failure("left an answer out") : target.refusal(reply.error);
    },

    async send(kind, commands, { atomically = false } = {}) {
      if (closed) throw target.failure("is closed");
      countTrip(kind);
      for (const [name] of commands) countCharged(name.toLowerCase());
      const call = new AbortController();
      const timer = setTimeout(
        () => call.abort(target.failure(`did not answer within ${callTimeoutMs / 1000} s`)),
        callTimeoutMs,
      );
      going.add(call);
      try {
        const replies = await ask(atomically ? "multi-exec" : "pipeline", commands, call.signal);
        onCall?.(true);
        return replies;
      } catch (error) {
        onCall?.(false);
        if (call.signal.aborted) throw call.signal.reason;
        throw error instanceof StillupError ? error : unreachable(target, error);
      } finally {
        clearTimeout(timer);
        going.delete(call);
      }
    },

    close() {
      closed = true;
      for (const call of going) call.abort(target.failure("is closed"));
    },
  };
}

type Ask = (path: string, commands: readonly Command[], signal: AbortSignal) => Promise<readonly Reply[]>;

/** Without the service's own client: it is 80 KB, and what it adds (tries again, parses bodies) had to be turned off. */
function createAsking({ url, token, refusal, failure }: UpstashTarget): Ask {
  let syncToken = "";
  return async (path, commands, signal) => {
    const response = await fetch(`${url}/${path}`, {
      method: "POST",
      // The sync token lets a read see the writes before it, whichever replica it comes to.
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "upstash-sync-token": syncToken,
      },
      body: JSON.stringify(commands),
      redirect: "manual",
      signal,
    });
    const text = await response.text();
    syncToken = response.headers.get("upstash-sync-token") ?? syncToken;
    const answer = parse(text);
    if (response.ok && Array.isArray(answer)) return answer as readonly Reply[]; // the service's word for what it sends
    const { error } = (answer ?? {}) as { error?: unknown };
    if (typeof error === "string") throw refusal(error);
    throw failure(
      "did not answer as Upstash does. A proxy did, or UPSTASH_REDIS_REST_URL is not the REST URL of the database.",
    );
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Why fetch failed stands in its error's cause; of several addresses that failed, only the code says it. */
export function unreachable(target: UpstashTarget, error: unknown): StillupError {
  const { cause = error } = error as { cause?: unknown };
  const { message, code } = cause as { message?: string; code?: string };
  return target.failure(`cannot be reached: ${message || code}`);
}
