import type { Engine } from "./engine.ts";
import type { Receivers } from "./receivers.ts";
import type { BreaksRecording } from "./story.ts";

/** What faults are injected into. */
export interface World {
  readonly engine: Engine;
  readonly receivers: Receivers;

  /** `docker compose <args>` of the stack. */
  compose(...args: string[]): Promise<string>;
  /** Where the emulators are told what to do wrong, in the stack that has them. */
  readonly controls: { readonly neon: string; readonly upstash: string };
}

/** What was drawn for one fault. */
export interface Draw {
  readonly holdMs: number;
  /** From 0 up to 1, for whatever else is to be chosen. */
  readonly roll: number;
}

export interface Strike extends Draw {
  /** To be called once the fault is there. */
  struck(): void;
}

export interface FaultKind {
  /** As it is reported. */
  readonly name: string;
  readonly weight: number;
  /** What it breaks; one fault at a time each. */
  readonly parts: readonly string[];
  readonly holdMs: readonly [number, number];
  readonly breaksRecording: BreaksRecording;
  /** Injects it, keeps it up, and fixes it; resolves with how many faults were really met. */
  inject(world: World, strike: Strike): Promise<number>;
}

/** Carries out `broken` and, whatever comes of it, `fix`, which is tried for a while. */
export async function meanwhile<T>(broken: () => Promise<T>, fix: () => Promise<unknown>): Promise<T> {
  try {
    return await broken();
  } finally {
    await persist(fix);
  }
}

const TRIES = 5;

async function persist(fix: () => Promise<unknown>): Promise<void> {
  for (let left = TRIES - 1; ; left--) {
    try {
      await fix();
      return;
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/** One of a service's containers that run. */
export async function oneOf({ engine }: World, service: string, roll: number): Promise<string> {
  const running = await engine.running(service);
  const container = running[Math.floor(roll * running.length)];
  if (container === undefined) throw new Error(`No container of ${service} runs`);
  return container;
}
