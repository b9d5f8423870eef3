import type { Env } from "../../runtime/contract.ts";
import { alertsDue } from "../bell.ts";
import type { LeasedDelivery } from "./lease-deliveries.ts";
import { leaseDeliveries } from "./lease-deliveries.ts";
import {
  type Recorded,
  recordBrokenOff,
  recordCancelled,
  recordDelivered,
  recordExhausted,
  recordFailed,
  recordGone,
} from "./record-attempt.ts";
import { retryDelayMs } from "./retry.ts";
import { type SendOutcome, sendWebhook, type WebhookConfig, type WebhookMessage } from "./webhook.ts";

type Deliverer = Pick<Env, "sql" | "http" | "stream" | "log" | "metrics" | "config">;

/**
 * Tries what is due of these channels, side by side, and records how each try went. Once `signal` says that the process
 * is to stop, tries under way have half of `drainSeconds` to end.
 */
export async function deliverDue(env: Deliverer, channelIds: readonly string[], signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const leased = await leaseDeliveries(env.sql, channelIds);
  const patience = delayed(signal, env.config.drainSeconds * 500);
  const tries = await Promise.allSettled(leased.map((delivery) => deliver(env, delivery, patience.signal)));
  patience.end();
  // What could not be recorded comes again when its lease is over, so nothing is to be retried here.
  for (const attempt of tries) {
    if (attempt.status === "rejected")
      env.log.warn("A try to deliver was not recorded.", { error: String(attempt.reason) });
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

async function deliver(env: Deliverer, delivery: LeasedDelivery, signal: AbortSignal): Promise<void> {
  if (delivery.void) {
    await recordCancelled(env.sql, delivery);
    env.metrics.count("stillup_deliveries_total", { outcome: "cancelled" });
    return;
  }
  const outcome = await send(env, delivery, signal);
  if (outcome.delivered) return ringForMore(env, delivery, await recordSuccess(env, delivery));
  await recordFailure(env, delivery, outcome);
}

/** How each type of channel sends. A new one is a file beside webhook.ts and a line here. */
const senders = {
  webhook: (env: Deliverer, config: unknown, message: WebhookMessage, signal: AbortSignal) =>
    sendWebhook(env.http, config as WebhookConfig, message, signal), // checked when the channel was made
};

async function send(env: Deliverer, delivery: LeasedDelivery, signal: AbortSignal): Promise<SendOutcome> {
  const sender = senders[delivery.channelType as keyof typeof senders];
  return sender(env, delivery.channelConfig, delivery, signal);
}

async function recordSuccess(env: Deliverer, delivery: LeasedDelivery): Promise<Recorded | null> {
  const recorded = await recordDelivered(env.sql, delivery);
  env.metrics.count("stillup_deliveries_total", { outcome: "delivered" });
  if (recorded !== null) env.metrics.observe("stillup_alert_latency_seconds", recorded.latencyMs / 1000);
  return recorded;
}

async function recordFailure(env: Deliverer, delivery: LeasedDelivery, outcome: SendOutcome): Promise<void> {
  if (outcome.brokenOff) {
    await recordBrokenOff(env.sql, delivery);
    return env.stream.wake("sweep-deliveries");
  }
  const error = outcome.error ?? "It failed.";
  if (outcome.gone) {
    await recordGone(env.sql, delivery, error);
    env.metrics.count("stillup_deliveries_total", { outcome: "cancelled" });
    env.log.warn("A receiver is gone (410): its channel is disabled.", { channelId: delivery.channelId });
    return;
  }
  const delayMs = retryDelayMs(delivery.step, outcome.retryAfterMs);
  if (delayMs === null) {
    env.metrics.count("stillup_deliveries_total", { outcome: "exhausted" });
    env.log.error("A delivery failed for the last time.", { deliveryId: delivery.id, error });
    return ringForMore(env, delivery, await recordExhausted(env.sql, delivery, error));
  }
  await recordFailed(env.sql, delivery, { error, delayMs });
  env.metrics.count("stillup_deliveries_total", { outcome: "failed" });
  await env.stream.wake("sweep-deliveries");
}

/** A finished delivery may have held up the next one of its monitor, or a place among its channel's. */
async function ringForMore(env: Deliverer, delivery: LeasedDelivery, recorded: Recorded | null): Promise<void> {
  if (recorded?.more) await env.stream.publish(alertsDue.ring([delivery.channelId]));
}

/** Channels with something due that no stream may carry any more, at most 500, in the sweep's own turn. */
export async function claimDueChannels(env: Pick<Env, "sql">): Promise<{ channelIds: string[]; nextInMs: number }> {
  const [row] = await env.sql<{ channelIds: string[]; nextInMs: number }>`
    with turn as materialized (
      select mine, next_in_ms from claim_turn('sweep-deliveries', 9.5)
    ),
    due as (
      select distinct channel_id from deliveries
      where status = 'pending' and next_attempt_at <= app_now() and (select mine from turn)
        and (leased_until is null or leased_until <= app_now())
      limit 500
    )
    select coalesce((select jsonb_agg(channel_id) from due), '[]') as "channelIds", next_in_ms as "nextInMs" from turn`;
  return row ?? { channelIds: [], nextInMs: 9500 };
}
