import type { Env } from "../../runtime/contract.ts";
import { isTransient } from "../../runtime/errors.ts";
import { jitter } from "../../runtime/jitter.ts";
import { sleep } from "../../runtime/sleep.ts";
import { type SendOutcome, type SendTerms, sendWebhook } from "../channels/types/webhook.ts";
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
 * Tries what is due of these channels, side by side, and records how each try went. Once `signal` says that the process
 * is to stop, tries under way have half of `drainSeconds` to end.
 */
export async function deliverDue(env: Deliverer, channelIds: readonly string[], signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const beginBy = performance.now() + BEGIN_WITHIN_MS;
  const leased = await leaseDeliveries(env.sql, channelIds);
  const patience = delayed(signal, env.config.drainSeconds * 500);
  const terms = { beginBy, signal: patience.signal };
  const tries = await Promise.allSettled(leased.map((delivery) => deliver(env, delivery, terms)));
  patience.end();
  // What could not be recorded comes again when its lease is over, so nothing is to be retried here.
  for (const attempt of tries) {
    if (attempt.status === "rejected")
      env.log.warn("The result of a delivery attempt could not be stored; it is sent again after its lease.", {
        error: String(attempt.reason),
      });
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

/** A try that has not begun so long after its lease is left to the next: its 15 s and 6 s of recording end before that. */
const BEGIN_WITHIN_MS = 8000;

interface Terms {
  /** By `performance.now()`. */
  readonly beginBy: number;
  readonly signal: AbortSignal;
}

async function deliver(env: Deliverer, delivery: LeasedDelivery, { beginBy, signal }: Terms): Promise<void> {
  if (delivery.void) {
    await untilRecorded(signal, () => recordCancelled(env.sql, delivery));
    env.metrics.count(deliveriesTotal, { outcome: "cancelled" });
    return;
  }
  const outcome = await send(env, delivery, { beginWithinMs: beginBy - performance.now(), signal });
  if (outcome.delivered) return wakeForMore(env, delivery, await recordSuccess(env, delivery, signal));
  await recordFailure(env, delivery, { outcome, signal });
}

/** How long a database that is away is waited for: without a record the receiver is sent the same once more. */
const RECORD_AGAIN_MS = [250, 1000, 4000];

async function untilRecorded<T>(signal: AbortSignal, record: () => Promise<T>): Promise<T> {
  for (const delayMs of RECORD_AGAIN_MS) {
    try {
      return await record();
    } catch (error) {
      if (!isTransient(error) || !(await sleep(jitter(delayMs), signal))) throw error;
    }
  }
  return record();
}

/** Every channel is a webhook so far: another type is a file beside webhook.ts, and chosen here. */
function send({ http }: Deliverer, delivery: LeasedDelivery, terms: SendTerms): Promise<SendOutcome> {
  return sendWebhook(http, delivery.channelConfig, delivery, terms);
}

async function recordSuccess(env: Deliverer, delivery: LeasedDelivery, signal: AbortSignal): Promise<Recorded | null> {
  const recorded = await untilRecorded(signal, () => recordDelivered(env.sql, delivery));
  env.metrics.count(deliveriesTotal, { outcome: "delivered" });
  if (recorded !== null) env.metrics.observe(alertLatencySeconds, recorded.latencyMs / 1000);
  return recorded;
}

async function recordFailure(
  env: Deliverer,
  delivery: LeasedDelivery,
  { outcome, signal }: { outcome: SendOutcome; signal: AbortSignal },
): Promise<void> {
  if (outcome.brokenOff) {
    await recordBrokenOff(env.sql, delivery);
    return wakeOrLog(env, () => env.stream.wake("sweep-deliveries"));
  }
  const error = outcome.error ?? "The attempt failed.";
  if (outcome.gone && (await recordedGone(env, delivery, { error, signal }))) return;
  const { failures, failingForMs } = delivery;
  const delayMs = retryDelayMs({ failures: failures + 1, failingForMs, retryAfterMs: outcome.retryAfterMs });
  if (delayMs === null) {
    env.metrics.count(deliveriesTotal, { outcome: "exhausted" });
    env.log.error("A delivery is exhausted: its last attempt failed.", { deliveryId: delivery.id, error });
    const recorded = await untilRecorded(signal, () => recordExhausted(env.sql, delivery, error));
    return wakeForMore(env, delivery, recorded);
  }
  await untilRecorded(signal, () => recordFailed(env.sql, delivery, { error, delayMs }));
  env.metrics.count(deliveriesTotal, { outcome: "failed" });
  await wakeOrLog(env, () => env.stream.wake("sweep-deliveries"));
}

/** False: the channel has another receiver by now, or another try has taken over. */
async function recordedGone(
  env: Deliverer,
  delivery: LeasedDelivery,
  { error, signal }: { error: string; signal: AbortSignal },
): Promise<boolean> {
  const { isGone, cancelled } = await untilRecorded(signal, () => recordGone(env.sql, delivery, error));
  if (!isGone) return false;
  env.metrics.count(deliveriesTotal, { outcome: "cancelled" });
  env.log.warn("A receiver responded 410 Gone: its channel is disabled and its pending deliveries are cancelled.", {
    channelId: delivery.channelId,
    cancelled,
  });
  return true;
}

/** A finished delivery may have held up the next one of its monitor, or a place among its channel's. */
async function wakeForMore(env: Deliverer, delivery: LeasedDelivery, recorded: Recorded | null): Promise<void> {
  if (recorded?.more) await wakeOrLog(env, () => env.stream.publish(alertsDue.messages([delivery.channelId])));
}
