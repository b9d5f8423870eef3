import { sleep } from "../../runtime/sleep.ts";
import { nowMs } from "../../testing/monotonic.ts";
import type { Draw, FaultKind, World } from "./fault-kind.ts";
import type { Random } from "./random.ts";
import type { Fault } from "./story.ts";

/** One fault as planned. */
export interface Planned extends Draw {
  readonly kind: FaultKind;
  /** From the beginning of the fault before to that of this one, at least. */
  readonly gapMs: number;
}

const MIN_GAP_MS = 400;
const MAX_GAP_MS = 1800;
/** A part that was broken is left alone for so long, so that faults meet a stack that works. */
const REST_MS = 2500;
const MAX_AT_ONCE = 4;
/** Faults that wait for their part, at most, and for how long others may go before the first of them. */
const MAX_WAITING = 6;
const PATIENCE_MS = 20_000;
const POLL_MS = 100;

/** Faults without an end, the same again from the same seed. */
export function* plan(kinds: readonly FaultKind[], random: Random): Generator<Planned, never> {
  for (;;) {
    const kind = random.weighted(kinds);
    const gapMs = random.between(MIN_GAP_MS, MAX_GAP_MS);
    yield { kind, gapMs, holdMs: random.between(...kind.holdMs), roll: random.next() };
  }
}

export interface Injection {
  readonly world: World;
  readonly planned: Iterable<Planned>;
  /** Where what was really injected is put down. */
  readonly faults: Fault[];
  /** Notified of one that could not be injected; it does not count. */
  failed(kind: string, error: unknown): void;
}

/** Carries a plan out until `signal` aborts; resolves when everything is fixed. What waits for its part lets others go first. */
export async function inject({ world, planned, faults, failed }: Injection, signal: AbortSignal): Promise<void> {
  const busy = new Set<string>();
  const waiting: (Planned & { readonly sinceMs: number })[] = [];
  const running = new Set<Promise<void>>();

  const carryOut = async ({ kind, holdMs, roll }: Planned) => {
    const beganMs = nowMs();
    let struckMs: number | null = null;
    const struck = () => {
      struckMs = nowMs();
    };
    try {
      const count = await kind.inject(world, { holdMs, roll, struck });
      const { name, breaksRecording } = kind;
      const endedMs = nowMs();
      const fault = { kind: name, breaksRecording, beganMs, struckMs: struckMs ?? endedMs, endedMs };
      for (let index = 0; index < count; index++) faults.push(fault);
    } catch (error) {
      failed(kind.name, error);
    }
  };

  const begin = (next: Planned) => {
    for (const part of next.kind.parts) busy.add(part);
    const fault = carryOut(next).then(async () => {
      running.delete(fault);
      await sleep(REST_MS, signal);
      for (const part of next.kind.parts) busy.delete(part);
    });
    running.add(fault);
  };

  const plans = planned[Symbol.iterator]();
  while (!signal.aborted) {
    while (waiting.length < MAX_WAITING) {
      const { done, value } = plans.next();
      if (done) break;
      waiting.push({ ...value, sinceMs: nowMs() });
    }
    const [head] = waiting;
    if (head === undefined) break;
    const choice = nowMs() - head.sinceMs < PATIENCE_MS ? waiting : [head];
    const next = running.size < MAX_AT_ONCE && choice.find(({ kind }) => !kind.parts.some((part) => busy.has(part)));
    if (next) {
      waiting.splice(waiting.indexOf(next), 1);
      begin(next);
    }
    await sleep(next ? next.gapMs : POLL_MS, signal);
  }
  await Promise.all(running);
}
