import { errorFields } from "../errors.ts";
import type { Log } from "../log.ts";
import { sleep } from "../sleep.ts";

/** Something that runs until it is told to stop. */
export interface Part {
  readonly name: string;
  /** Takes nothing new, finishes or hands back what is in hand, and resolves when that is done. */
  stop(): Promise<void>;
  /** What is still in hand, for a person; null when nothing is. */
  left(): string | null;
}

/**
 * Stops the stages one after the other, the parts of each side by side; resolves with true when that took no longer than
 * `seconds`.
 */
export async function drain(
  stages: readonly (readonly Part[])[],
  { seconds, log }: { seconds: number; log: Log },
): Promise<boolean> {
  const ended = new AbortController();
  const stopAll = async () => {
    for (const parts of stages) await Promise.all(parts.map((part) => stop(part, log)));
    ended.abort();
  };
  await Promise.race([stopAll(), sleep(seconds * 1000, ended.signal)]);
  return ended.signal.aborted;
}

async function stop(part: Part, log: Log): Promise<void> {
  try {
    await part.stop();
  } catch (error) {
    log.error(`Stopping ${part.name} failed.`, errorFields(error));
  }
}

/** One line for each part that still has something in hand. */
export function whatIsLeft(stages: readonly (readonly Part[])[]): string[] {
  return stages.flat().flatMap((part) => {
    const left = part.left();
    return left === null ? [] : [`${part.name}: ${left}`];
  });
}
