import { errors, Redis } from "@upstash/redis";
import type { StillupError } from "../../errors.ts";
import { driverCallsTotal, type Metrics } from "../../metrics.ts";
import type { UpstashTarget } from "./upstash-target.ts";

const callTimeoutMs = 5_000;

type Pipeline = ReturnType<Redis["pipeline"]>;

/** One command of a trip. */
export interface UpstashCommand {
  /** In lower case, as it is counted. */
  readonly name: string;
  readonly into: (pipeline: Pipeline) => unknown;
}

/** What the service answers a command: `error` when it refused it. */
export interface UpstashReply {
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
  send(kind: string, commands: readonly UpstashCommand[], options?: SendOptions): Promise<readonly UpstashReply[]>;
  /** What a reply carries. @throws StillupError `stream_unavailable` when it is a refusal, or there is none. */
  resultOf(reply: UpstashReply | undefined): unknown;
  /** Counts a trip that is not sent here. */
  countTrip(kind: string): void;
  /** Counts commands that are charged for and that `send` does not see: a script's, a subscription's. */
  countCharged(name: string, times?: number): void;
  /** Fails what is still going on. */
  close(): void;
}

interface ClientOptions {
  readonly metrics?: Pick<Metrics, "count">;
  /** Notified after each trip whether it found the service there. */
  readonly onCall?: (isThere: boolean) => void;
}

export function createClient(target: UpstashTarget, { metrics, onCall }: ClientOptions): UpstashClient {
  const going = new Set<AbortController>();
  let next = AbortSignal.abort();
  let closed = false;
  const redis = new Redis({
    url: target.url,
    token: target.token,
    // The library asks for it while exec() is being called.
    signal: () => next,
    // More would send an XADD again that may have been carried out.
    retry: { retries: 0 },
    // Else "42" comes back as a number, and a body that is JSON as an object.
    automaticDeserialization: false,
    // It would send what is called in one turn in two requests, with no order between them.
    enableAutoPipelining: false,
    enableTelemetry: false,
  });
  const count = (kind: string, times: number) => metrics?.count(driverCallsTotal, { driver: "upstash", kind }, times);
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
      const pipeline = atomically ? redis.multi() : redis.pipeline();
      countTrip(kind);
      for (const { name, into } of commands) {
        countCharged(name);
        into(pipeline);
      }
      const call = new AbortController();
      const timer = setTimeout(
        () => call.abort(target.failure(`did not answer within ${callTimeoutMs / 1000} s`)),
        callTimeoutMs,
      );
      going.add(call);
      try {
        next = call.signal;
        const replies = (await pipeline.exec({ keepErrors: true })) as readonly UpstashReply[];
        onCall?.(true);
        return replies;
      } catch (error) {
        onCall?.(false);
        throw call.signal.aborted ? call.signal.reason : explain(target, error);
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

/** The library's errors are never handed on themselves: their messages end in the whole request, with bodies in it. */
function explain(target: UpstashTarget, error: unknown): StillupError {
  const { message, cause } = error as Error;
  const [reason = ""] = message.split(", command was: ");
  const isRefusal = error instanceof errors.UpstashError && !(error instanceof errors.UpstashJSONParseError);
  if (isRefusal && reason !== "undefined") return target.refusal(reason);
  if (!isRefusal && error instanceof TypeError && cause !== undefined) return unreachable(target, error);
  return target.failure(
    "did not answer as Upstash does. A proxy did, or UPSTASH_REDIS_REST_URL is not the REST URL of the database.",
  );
}

/** Why fetch failed stands in its error's cause; of several addresses that failed, only the code says it. */
export function unreachable(target: UpstashTarget, error: unknown): StillupError {
  const { cause = error } = error as { cause?: unknown };
  const { message, code } = cause as { message?: string; code?: string };
  return target.failure(`cannot be reached: ${message || code}`);
}
