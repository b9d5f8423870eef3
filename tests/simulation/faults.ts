/** What can be injected. Each counts when it happened, not when it was ordered. */
export const faultKinds = [
  "process killed",
  "process killed before a call",
  "process killed after a call, before its answer",
  "process frozen",
  "rolling restart",
  "clock on the wall stepped",
  "call lost on its way",
  "answer lost after it was carried out",
  "answer late",
  "database away",
  "streams away",
  "streams lost",
  "stream trimmed",
  "entries doubled",
  "entries out of order",
  "poison message",
  "wake-up lost",
  "network cut",
  "connectivity target silent",
  "receiver answered 500",
  "receiver answered 429",
  "receiver answered 410",
  "receiver timed out",
  "receiver slow",
  "receiver took it and did not answer",
] as const;
export type FaultKind = (typeof faultKinds)[number];

export type FaultCounts = Partial<Record<FaultKind, number>>;

/** Counts what was injected in a run, and where it could be. */
export class Faults {
  readonly counts: FaultCounts = {};
  /** Where workers came by. */
  readonly reached = new Set<Point>();

  count(kind: FaultKind, by = 1): void {
    if (by > 0) this.counts[kind] = (this.counts[kind] ?? 0) + by;
  }
}

/** Where a process calls a service: the moments at which a fault can be placed. */
export const points = [
  "turn",
  "claim",
  "apply",
  "handle",
  "report",
  "lease",
  "record",
  "dead-lettered",
  "other statement",
  "read",
  "take over",
  "settle",
  "publish",
  "wake",
  "redeliver",
  "other stream call",
  "probe",
  "control",
  "webhook",
] as const;
export type Point = (typeof points)[number];

/** Which of a process' moments a statement is. By its text, because a statement has no name. */
export function pointOf(text: string): Point {
  if (text.includes("insert into checks")) return "apply";
  if (text.includes("offline_reporters")) return "report";
  if (text.includes("insert into deliveries")) return "handle";
  if (text.includes("'enqueue-checks', 4.5")) return "claim";
  if (text.includes("attempts = d.attempts + 1")) return "lease";
  if (text.includes("update deliveries")) return "record";
  if (text.includes("insert into dead_letters")) return "dead-lettered";
  return text.includes("claim_schedule") ? "turn" : "other statement";
}

/** A fault that waits for its moment: the `nth` time (from 0) that its process comes to `point`. */
export interface Trap {
  readonly point: Point;
  nth: number;
  readonly effect: TrapEffect;
  readonly seconds: number;
}
export const trapEffects = ["kill before", "kill after", "lose call", "lose answer", "late", "freeze after"] as const;
export type TrapEffect = (typeof trapEffects)[number];
