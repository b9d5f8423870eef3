import { StillupError } from "../../errors.ts";
import type { Outgoing } from "./stream.ts";

/** How long a stream's length is believed. Streams that somebody reads are short. */
const lookAgainMs = 600_000;
const lookAgainWhileFullMs = 10_000;

/** Refuses messages for streams that nobody reads, before they take the memory that the others need. */
interface Capacity {
  /** @throws StillupError `stream_full` when one of their streams contained `maxLength` at the last look. */
  check(entries: readonly Outgoing[], lengthOf: (stream: string) => Promise<number>): Promise<void>;
}

/** `now` is monotonic: milliseconds. */
export function createCapacity(maxLength: number, now: () => number = () => performance.now()): Capacity {
  const looks = new Map<string, { readonly at: number; readonly length: number }>();
  return {
    async check(entries, lengthOf) {
      for (const stream of new Set(entries.map((entry) => entry.stream))) {
        let look = looks.get(stream) ?? { at: now(), length: 0 };
        const isOld = now() - look.at >= (look.length >= maxLength ? lookAgainWhileFullMs : lookAgainMs);
        if (isOld) look = { at: now(), length: await lengthOf(stream) };
        looks.set(stream, look);
        if (look.length >= maxLength) throw full(stream, maxLength);
      }
    },
  };
}

export function full(stream: string, maxLength: number): StillupError {
  return new StillupError("stream_full", `The stream ${stream} is full: ${maxLength} messages wait in it`);
}
