import { setTimeout as delay } from "node:timers/promises";
import { sleep } from "../../runtime/sleep.ts";
import { nowMs } from "../support/monotonic.ts";
import type { Draw, FaultKind, World } from "./fault-kind.ts";
import type { Random } from "./random.ts";
import type { Fault } from "./story.ts";

/** One fault as planned. */
export interface Planned extends Draw {
  readonly kind: FaultKind;
  /** From the beginning of the fault before to that of this one, at least. */
  readonly gapMs: number;
}

const LEAST_GAP_MS = 500;
const MOST_GAP_MS = 2100;
/** A part that was broken is left alone for so long, so that faults meet a stack that works. */
const REST_MS = 2500;
const MOST_AT_ONCE = 4;

/** Faults without an end, the same again from the same seed. */
export function* plan(kinds: readonly FaultKind[], random: Random): Generator<Planned, never> {
  for (;;) {
    const kind = random.weighted(kinds);
    const gapMs = random.between(LEAST_GAP_MS, MOST_GAP_MS);
    yield { kind, gapMs, holdMs: random.between(...kind.holdMs), roll: random.next() };
  }
}

export interface Injection {
  readonly world: World;
  readonly planned: Iterable<Planned>;
  /** Where what was really injected is put down. */
  readonly faults: Fault[];
  /** Told of one that could not be injected; it does not count. */
  failed(kind: string, error: unknown): void;
}

/** Carries a plan out in its order, until `signal` aborts; resolves when everything is mended. */
export async function inject({ world, planned, faults, failed }: Injection, signal: AbortSignal): Promise<void> {
  const busy = new Map<string, Promise<void>>();
  const running = new Set<Promise<void>>();

  const carryOut = async ({ kind, ...draw }: Planned) => {
    const beganMs = nowMs();
    try {
      const count = await kind.inject(world, draw);
      const fault = { kind: kind.name, beganMs, endedMs: nowMs(), breaksRecording: kind.breaksRecording };
      for (let index = 0; index < count; index++) faults.push(fault);
    } catch (error) {
      failed(kind.name, error);
    }
  };

  for (const next of planned) {
    if (!(await sleep(next.gapMs, signal))) break;
    while (running.size >= MOST_AT_ONCE) await Promise.race(running);
    await Promise.all(next.kind.parts.map((part) => busy.get(part)));
    if (signal.aborted) break;
    const fault = carryOut(next).then(() => {
      running.delete(fault);
    });
    running.add(fault);
    const rested = fault.then(() => delay(REST_MS));
    for (const part of next.kind.parts) busy.set(part, rested);
  }
  await Promise.all(running);
}
