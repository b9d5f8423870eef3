import type { ConsumeFunction, Env, Ports, Source } from "../contract.ts";
import type { Consumer, Message } from "../drivers/stream/stream.ts";
import type { HostEnv } from "../host-env.ts";
import { jitter } from "../jitter.ts";
import { sleep } from "../sleep.ts";
import type { Background } from "./background.ts";
import { createWork } from "./consumer-work.ts";
import type { Part } from "./drain.ts";
import { createOutage } from "./outage.ts";

const LONGEST_BLOCK_MS = 5000;

interface ConsumerOptions {
  /** The function's name. */
  readonly name: string;
  /** What identifies this process to the stream service. */
  readonly consumer: string;
  readonly source: Source;
  readonly fn: ConsumeFunction;
  readonly ports?: Ports;
  readonly env: HostEnv;
  readonly background: Background;
  /** Waits, and resolves with false when the signal aborted first. */
  readonly sleep?: typeof sleep;
}

/**
 * Reads a stream and calls its worker, until stopped. It reads only what a call is free for. Messages that are not finished
 * at a stop are published again. Messages that another process has held for longer than the lease are claimed.
 */
export function startConsumer({ name, source, consumer, sleep: wait = sleep, ...options }: ConsumerOptions): Part {
  const { env } = options;
  const who = { stream: source.stream, group: source.group, consumer };
  const reading = createOutage(env.log, `Reading ${source.stream}`);
  const outage = createOutage(env.log, `The worker ${name}`);
  const work = createWork({ ...options, ...source, who, outage, sleep: wait });
  const stopping = new AbortController();
  const next = createReader(env, who, stopping.signal);

  const loop = async () => {
    while (!stopping.signal.aborted) {
      const count = work.free();
      if (count === 0) {
        await work.changed();
        continue;
      }
      try {
        work.begin(await next(count));
        reading.over();
      } catch (error) {
        await wait(reading.failed(error), stopping.signal);
      }
    }
  };
  const ended = loop();

  return {
    name: `the worker ${name}`,
    left: () => (work.calls() === 0 ? null : `${work.calls()} calls`),
    stop() {
      stopping.abort();
      return work.stop(ended);
    },
  };
}

/** New entries or, at first and every quarter of the lease, those whose lease is over. */
function createReader({ stream, log, config }: Env, who: Consumer, signal: AbortSignal) {
  const leaseMs = config.workerLeaseSeconds * 1000;
  let claimStaleAt = 0;
  return async (count: number): Promise<Message[]> => {
    const untilClaimStaleMs = claimStaleAt - performance.now();
    if (untilClaimStaleMs > 0) {
      return stream.read(who, { count, blockMs: Math.ceil(Math.min(LONGEST_BLOCK_MS, untilClaimStaleMs)), signal });
    }
    const { messages, lost } = await stream.claimStale(who, { minIdleMs: leaseMs, count });
    if (messages.length < count) claimStaleAt = performance.now() + jitter(leaseMs / 4, { min: 0.9, max: 1.1 });
    if (lost > 0) log.warn("Pending messages were deleted by another program.", { stream: who.stream, lost });
    return messages;
  };
}
