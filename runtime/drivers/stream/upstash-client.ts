import { errors, Redis } from "@upstash/redis";
import type { StillupError } from "../../errors.ts";
import { driverCallsTotal, type Metrics } from "../../metrics.ts";
import type { UpstashTarget } from "./upstash-target.ts";

const callTimeoutMs = 5_000;

type Pipeline = ReturnType<Redis["pipeline"]>;

/** One command of a trip. */
export interface UpstashCommand {
  /** In lower case, for the metric. */
  readonly name: string;
  readonly into: (pipeline: Pipeline) => unknown;
}

/** The reply to one command. `error`: the service refused it. */
export interface UpstashReply {
  readonly result: unknown;
  readonly error?: string;
}

export interface SendOptions {
  /** All commands are carried out or none, and no others in between. */
  readonly atomically?: boolean;
}

/** Sends commands over REST, never twice: after a failure nobody knows whether the service carried them out. */
export interface UpstashClient {
  /**
   * Sends the commands in one trip and resolves with their replies. `kind` is the trip's name in the metric.
   * @throws StillupError `stream_unavailable` when there is no answer within 5 s, or somebody else answers.
   */
  send(kind: string, commands: readonly UpstashCommand[], options?: SendOptions): Promise<readonly UpstashReply[]>;
  /** A reply's result. @throws StillupError `stream_unavailable`, `stream_full` when it is a refusal or is missing. */
  resultOf(reply: UpstashReply | undefined): unknown;
  /** Counts a trip that `send` does not make. */
  countTrip(kind: string): void;
  /** Counts commands that are charged for and that `send` does not see: those of a script or a subscription. */
  countCharged(name: string, times?: number): void;
  /** Fails the trips under way, and all later ones. */
  close(): void;
}

interface ClientOptions {
  readonly metrics?: Pick<Metrics, "count">;
  /** Called after each trip. False: the service was not reached, or refused. */
  readonly onCall?: (reached: boolean) => void;
}

export function createClient(target: UpstashTarget, { metrics, onCall }: ClientOptions): UpstashClient {
  const underWay = new Set<AbortController>();
  let next = AbortSignal.abort();
  let closed = false;
  const redis = new Redis({
    url: target.url,
    token: target.token,
    // The library reads it while exec() is called.
    signal: () => next,
    // With more it would send an XADD again that may have been carried out.
    retry: { retries: 0 },
    // With it "42" comes back as a number, and a body that is JSON as an object.
    automaticDeserialization: false,
    // It would send what is called at once in two requests, with no order between them.
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
      throw reply?.error === undefined ? target.failure("did not answer every command") : target.refusal(reply.error);
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
      underWay.add(call);
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
        underWay.delete(call);
      }
    },

    close() {
      closed = true;
      for (const call of underWay) call.abort(target.failure("is closed"));
    },
  };
}

/** The library's own errors are never passed on: their messages end with the whole request, bodies included. */
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

/** The reason is in the cause of fetch's error. When several addresses failed, only its code says anything. */
export function unreachable(target: UpstashTarget, error: unknown): StillupError {
  const { cause = error } = error as { cause?: unknown };
  const { message, code } = cause as { message?: string; code?: string };
  return target.failure(`cannot be reached: ${message || code}`);
}
