import { sleep } from "../../runtime/sleep.ts";
import { nowMs } from "../../testing/monotonic.ts";
import type { Random } from "./random.ts";
import type { Status, Turn } from "./story.ts";
import type { Targets } from "./targets.ts";

const NOTICED_WITHIN_MS = 300_000;
const POLL_MS = 1000;
const MIN_STAY_MS = 2000;
const MAX_STAY_MS = 14_000;

export interface Watched {
  readonly id: string;
  readonly target: string;
}

export interface Script {
  readonly watched: readonly Watched[];
  readonly targets: Targets;
  readonly random: Random;
  /** Every monitor's status, as the API tells it; rejects while it does not. */
  readStatuses(): Promise<ReadonlyMap<string, string>>;
  /** Where what was played is put down. */
  readonly turns: Turn[];
}

/**
 * Semaphore targets around, each in its own time, until `signal` aborts; then every last turn is waited for. A target turns
 * again once its monitor's change of status is stored: an outage that no check saw is none that could be told.
 */
export async function playScript(script: Script, signal: AbortSignal): Promise<void> {
  const plays = script.watched.map((watched) => createPlay(script, watched));
  const forever = new AbortController().signal;
  while (!signal.aborted || plays.some((play) => play.isWaiting())) {
    if (!signal.aborted) for (const play of plays) play.turnIfDue();
    await sleep(POLL_MS, forever);
    const statuses = await script.readStatuses().catch(() => new Map<string, string>());
    for (const play of plays) play.settle(statuses);
  }
}

function createPlay({ targets, random, turns }: Script, { id, target }: Watched) {
  let status: Status = "up";
  let stayUntilMs = nowMs() + random.between(0, MAX_STAY_MS);
  let turnedAtMs: number | null = null;
  return {
    isWaiting: () => turnedAtMs !== null,
    turnIfDue() {
      if (turnedAtMs !== null || nowMs() < stayUntilMs) return;
      status = status === "up" ? "down" : "up";
      targets.turn(target, status);
      turnedAtMs = nowMs();
    },
    settle(statuses: ReadonlyMap<string, string>) {
      if (turnedAtMs === null) return;
      const noticed = statuses.get(id) === status;
      if (!noticed && nowMs() - turnedAtMs < NOTICED_WITHIN_MS) return;
      turns.push({ monitorId: id, status, atMs: turnedAtMs, noticed });
      turnedAtMs = null;
      stayUntilMs = nowMs() + random.between(MIN_STAY_MS, MAX_STAY_MS);
    },
  };
}
