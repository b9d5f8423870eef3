import type { Env } from "../../runtime/contract.ts";
import { isTransient } from "../../runtime/errors.ts";
import { retry } from "../../runtime/retry.ts";
import { sendEvent } from "../channels/send-event.ts";
import type { SendResult } from "../channels/send-result.ts";
import { wakeOrLog } from "../messaging/wake.ts";
import { alertsDue } from "../messaging/wake-up.ts";
import { alertLatencySeconds, deliveriesTotal } from "../metrics.ts";
import { type LeasedDelivery, leaseDeliveries } from "./lease-deliveries.ts";
import {
  type Recorded,
  recordBrokenOff,
  recordCancelled,
  recordDelivered,
  recordExhausted,
  recordFailed,
  recordGone,
} from "./record-attempt.ts";
import { retryDelayMs } from "./retry-delay.ts";

type Deliverer = Pick<Env, "sql" | "http" | "stream" | "log" | "metrics" | "config">;

/**
 * Sends what is due of these channels, side by side, and records how each attempt went. Once `signal` says that the
 * process is to stop, attempts under way have half of `drainSeconds` to end.
 */
export async function deliverDue(env: Deliverer, channelIds: readonly string[], signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const beginBy = performance.now() + BEGIN_WITHIN_MS;
  const leased = await leaseDeliveries(env.sql, channelIds);
  const patience = delayed(signal, env.config.drainSeconds * 500);
  const limits = { beginBy, signal: patience.signal };
  const attempts = await Promise.allSettled(leased.map((delivery) => deliver(env, delivery, limits)));
  patience.end();
  // What could not be recorded comes again when its lease is over, so nothing is to be retried here.
  for (const attempt of attempts) {
    if (attempt.status === "rejected") {
      env.log.warn("The result of a delivery attempt could not be stored; it is sent again after its lease.", {
        error: String(attempt.reason),
      });
    }
  }
}

/** A signal that aborts `ms` after another one. */
function delayed(signal: AbortSignal, ms: number): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = () => {
    timer = setTimeout(() => controller.abort(), ms);
  };
  if (signal.aborted) start();
  else signal.addEventListener("abort", start, { once: true });
  return {
    signal: controller.signal,
    end() {
      signal.removeEventListener("abort", start);
      clearTimeout(timer);
    },
  };
}

/** An attempt that has not begun so long after its lease is left to the next: its 15 s and 6 s of recording end before. */
const BEGIN_WITHIN_MS = 8000;

interface Limits {
  /** By `performance.now()`. */
  readonly beginBy: number;
  readonly signal: AbortSignal;
}

async function deliver(env: Deliverer, delivery: LeasedDelivery, { beginBy, signal }: Limits): Promise<void> {
  if (delivery.void) {
    await untilRecorded(signal, () => recordCancelled(env.sql, delivery));
    env.metrics.count(deliveriesTotal, { outcome: "cancelled" });
    return;
  }
  const channel = { type: delivery.channelType, config: delivery.channelConfig };
  const limits = { beginWithinMs: beginBy - performance.now(), signal };
  const result = await sendEvent(env, channel, { event: delivery.event, limits });
  await record(env, delivery, { result, signal });
}

interface Attempted {
  readonly result: SendResult;
  readonly signal: AbortSignal;
}

async function record(env: Deliverer, delivery: LeasedDelivery, { result, signal }: Attempted): Promise<void> {
  switch (result.outcome) {
    case "delivered":
      return recordSuccess(env, delivery, signal);
    case "broken-off":
      await recordBrokenOff(env.sql, delivery);
      return wakeOrLog(env, () => env.stream.wake("sweep-deliveries"));
    case "permanent":
      return giveUp(env, delivery, { result, signal });
    case "gone":
      if (await recordedGone(env, delivery, { result, signal })) return;
  }
  await recordFailure(env, delivery, { result, signal });
}

/** How long a database that is away is waited for: without a record the receiver is sent the same once more. */
const RECORD_AGAIN_MS = [250, 1000, 4000];

function untilRecorded<T>(signal: AbortSignal, record: () => Promise<T>): Promise<T> {
  return retry(record, { delays: RECORD_AGAIN_MS, signal, when: isTransient });
}

async function recordSuccess(env: Deliverer, delivery: LeasedDelivery, signal: AbortSignal): Promise<void> {
  const recorded = await untilRecorded(signal, () => recordDelivered(env.sql, delivery));
  env.metrics.count(deliveriesTotal, { outcome: "delivered" });
  if (recorded !== null) env.metrics.observe(alertLatencySeconds, recorded.latencyMs / 1000);
  await wakeForMore(env, delivery, recorded);
}

async function recordFailure(env: Deliverer, delivery: LeasedDelivery, { result, signal }: Attempted): Promise<void> {
  const { failures, failingForMs } = delivery;
  const delayMs = retryDelayMs({ failures: failures + 1, failingForMs, retryAfterMs: result.retryAfterMs });
  if (delayMs === null) return giveUp(env, delivery, { result, signal });
  await untilRecorded(signal, () => recordFailed(env.sql, delivery, { error: errorOf(result), delayMs }));
  env.metrics.count(deliveriesTotal, { outcome: "failed" });
  await wakeOrLog(env, () => env.stream.wake("sweep-deliveries"));
}

async function giveUp(env: Deliverer, delivery: LeasedDelivery, { result, signal }: Attempted): Promise<void> {
  const error = errorOf(result);
  env.metrics.count(deliveriesTotal, { outcome: "exhausted" });
  env.log.error("A delivery is exhausted: its last attempt failed.", { deliveryId: delivery.id, error });
  await wakeForMore(env, delivery, await untilRecorded(signal, () => recordExhausted(env.sql, delivery, error)));
}

/** False: the channel has another receiver by now, or another attempt has taken over. */
async function recordedGone(env: Deliverer, delivery: LeasedDelivery, { result, signal }: Attempted): Promise<boolean> {
  const { isGone, cancelled } = await untilRecorded(signal, () => recordGone(env.sql, delivery, errorOf(result)));
  if (!isGone) return false;
  env.metrics.count(deliveriesTotal, { outcome: "cancelled" });
  env.log.warn("A receiver is gone: its channel is disabled and its pending deliveries are cancelled.", {
    channelId: delivery.channelId,
    error: errorOf(result),
    cancelled,
  });
  return true;
}

function errorOf({ error }: SendResult): string {
  return error ?? "The attempt failed.";
}

/** A finished delivery may have held up the next one of its monitor, or a place among its channel's. */
async function wakeForMore(env: Deliverer, delivery: LeasedDelivery, recorded: Recorded | null): Promise<void> {
  if (recorded?.more) await wakeOrLog(env, () => env.stream.publish(alertsDue.messages([delivery.channelId])));
}
