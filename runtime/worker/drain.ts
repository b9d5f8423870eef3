import { errorFields } from "../errors.ts";
import type { Log } from "../log.ts";
import { sleep } from "../sleep.ts";

/** Something that runs until it is stopped. */
export interface Part {
  readonly name: string;
  /** Accepts no new work, finishes or hands back the current work, and resolves when that is done. */
  stop(): Promise<void>;
  /** The work that is not finished, in words; null when there is none. */
  left(): string | null;
}

/**
 * Stops the stages one after the other, and the parts of a stage at the same time. Resolves with false when that takes
 * longer than `seconds`.
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

/** One line for each part that has unfinished work. */
export function whatIsLeft(stages: readonly (readonly Part[])[]): string[] {
  return stages.flat().flatMap((part) => {
    const left = part.left();
    return left === null ? [] : [`${part.name}: ${left}`];
  });
}
