import { type Summary, summarise } from "../../bench/summary.ts";
import { firstTaken, judge, type Verdict } from "./judge.ts";
import type { ModeName } from "./modes.ts";
import { STEADY } from "./monitors.ts";
import type { ModeRun } from "./run-mode.ts";
import type { Fault, Post, Turn } from "./story.ts";

/** What a run of one mode has found. Times in milliseconds. */
export interface ModeFigures {
  readonly mode: ModeName;
  readonly faults: Readonly<Record<string, number>>;
  readonly faultCount: number;
  /** Faults that could not be injected. */
  readonly notInjected: number;
  readonly verdict: Verdict;
  /** From a target's turn to its alert at the receiver that takes everything. */
  readonly notified: Summary;
  /** The longest from the fixing of a fault to the next alert there. */
  readonly longestRecoveryMs: number;
  /** From the fixing of the last fault until nothing was left to be told. */
  readonly settledMs: number;
  readonly checks: number;
  readonly webhooks: number;
  readonly postgres: string;
  readonly redis: string;
}

export function figuresOf(
  mode: ModeName,
  { evidence, notInjected, checks, settledMs, versions }: ModeRun,
): ModeFigures {
  const { ledger, faults, turns } = evidence;
  const counts: Record<string, number> = {};
  for (const { kind } of faults) counts[kind] = (counts[kind] ?? 0) + 1;
  const steady = firstTaken(ledger.filter(({ receiver, monitorId }) => receiver === STEADY && monitorId !== "system"));
  return {
    mode,
    faults: counts,
    faultCount: faults.length,
    notInjected,
    verdict: judge(evidence),
    notified: summarise(notifiedAfter(turns, steady)),
    longestRecoveryMs: longestRecovery(faults, steady),
    settledMs,
    checks,
    webhooks: ledger.length,
    ...versions,
  };
}

/** The nth alert of a monitor is that of its nth turn. */
function notifiedAfter(turns: readonly Turn[], alerts: readonly Post[]): number[] {
  const byMonitor = new Map<string, Post[]>();
  for (const alert of alerts) byMonitor.set(alert.monitorId, [...(byMonitor.get(alert.monitorId) ?? []), alert]);
  return turns
    .filter(({ noticed }) => noticed)
    .flatMap(({ monitorId, atMs }) => {
      const alert = byMonitor.get(monitorId)?.shift();
      return alert === undefined ? [] : [alert.atMs - atMs];
    });
}

function longestRecovery(faults: readonly Fault[], alerts: readonly Post[]): number {
  const times = faults.flatMap(({ endedMs }) => {
    const next = alerts.find(({ atMs }) => atMs > endedMs);
    return next === undefined ? [] : [next.atMs - endedMs];
  });
  return Math.max(0, ...times);
}
