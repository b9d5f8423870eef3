import { setTimeout as delay } from "node:timers/promises";
import type { Stillup } from "../testing/stillup.ts";
import type { Behaviour, Turn } from "../testing/targets.ts";
import type { Arrival } from "../testing/webhooks.ts";
import type { FloorEvent, FloorMethods } from "./floor.ts";
import type { Helper } from "./helper.ts";
import type { ReceiverMethods } from "./receiver.ts";
import { type ServiceUsage, usageOf } from "./stillup.ts";
import { latencies } from "./summary.ts";
import type { TargetMethods } from "./target.ts";

const POLL_MS = 500;
/** An interval, and time for the slowest. */
const ROUND_MS = 45_000;

export interface Steady {
  readonly seconds: number;
  readonly checks: number;
  /** `cpuMs` is that of one check. */
  readonly services: readonly ServiceUsage[];
}

/** Watches Stillup while nothing happens but checks. */
export async function measureSteady(
  stillup: Stillup,
  targets: Helper<TargetMethods>,
  seconds: number,
): Promise<Steady> {
  const before = await usageOf(stillup);
  const requestsBefore = await targets.call("requests");
  await delay(seconds * 1000);
  const after = await usageOf(stillup);
  const checks = (await targets.call("requests")) - requestsBefore;
  const services = after.map((usage, index) => ({
    ...usage,
    cpuMs: (usage.cpuMs - (before[index]?.cpuMs ?? 0)) / checks,
  }));
  return { seconds, checks, services };
}

export interface Sides {
  readonly targets: Helper<TargetMethods>;
  readonly receiver: Helper<ReceiverMethods>;
  readonly floor: Helper<FloorMethods>;
}

/**
 * All targets begin to do something else, each with its next check, as the checks come. Resolves when every alert has
 * arrived, with the milliseconds from each target's answer to its webhook.
 */
export async function measureAlerts(
  { targets, receiver }: Pick<Sides, "targets" | "receiver">,
  behaviour: Behaviour,
): Promise<number[]> {
  const turnsBefore = (await targets.call("turns")).length;
  const before = await receiver.call("count");
  const count = await targets.call("behave", behaviour);
  await untilCount(receiver, before + count);
  const turns: Turn[] = (await targets.call("turns")).slice(turnsBefore);
  const arrivals: Arrival[] = (await receiver.call("arrivals")).slice(before);
  const type = behaviour === "ok" ? "monitor.up" : "monitor.down";
  const stray = arrivals.find((arrival) => arrival.type !== type);
  if (stray !== undefined) throw new Error(`${stray.name} notified ${stray.type} among ${type}.`);
  return latencies(turns, arrivals);
}

/**
 * When the targets' last `count` turns came: milliseconds after the first of them. The floor is given its events at this
 * pace, so that both sides meet the same bursts.
 */
export async function paceOf(targets: Helper<TargetMethods>, count: number): Promise<number[]> {
  const turns: Turn[] = (await targets.call("turns")).slice(-count);
  return turns.map(({ atMs }) => atMs - (turns[0]?.atMs ?? 0));
}

/** An event through the floor at each of these times; the milliseconds from each to its webhook. */
export async function measureFloor({ floor, receiver }: Sides, block: string, pace: readonly number[]) {
  const events: FloorEvent[] = pace.map((afterMs, row) => ({ id: `floor-${block}-${row}`, row, afterMs }));
  const before = await receiver.call("count");
  const sent = await floor.call("run", events);
  await untilCount(receiver, before + events.length);
  return latencies(sent, (await receiver.call("arrivals")).slice(before));
}

async function untilCount(receiver: Helper<ReceiverMethods>, count: number): Promise<void> {
  const until = performance.now() + ROUND_MS;
  for (;;) {
    const arrived = await receiver.call("count");
    if (arrived >= count) return;
    if (performance.now() > until) throw new Error(`${count - arrived} webhooks have not arrived.`);
    await delay(POLL_MS);
  }
}
