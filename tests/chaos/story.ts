/** What a target is, and what is told of its monitor. */
export type Status = "up" | "down";

/** One turn of a target, which stayed as it was until the turn was stored, or was waited for in vain. */
export interface Turn {
  readonly monitorId: string;
  readonly status: Status;
  /** When the target turned, by `nowMs()`, as every time here. */
  readonly atMs: number;
  /** False when no change of status came of it in time. */
  readonly noticed: boolean;
}

/** What a receiver does to a webhook that it does not simply take. */
export type Manner = (typeof manners)[number];
export const manners = ["500", "429", "silence", "hang-up", "2xx-then-hang", "2xx-then-cut"] as const;

/** A webhook that arrived whole. */
export interface Post {
  readonly id: string;
  readonly receiver: string;
  /** `system` where it tells of Stillup itself. */
  readonly monitorId: string;
  /** What it tells the beginning or the end of: an incident, or since when Stillup was offline. */
  readonly spell: string;
  readonly type: string;
  readonly atMs: number;
  /** When it was answered with 2xx, however that answer ended; null when it was not. */
  readonly takenAtMs: number | null;
  readonly manner: Manner | null;
}

/** When a fault can come between a receiver's answer and its being recorded. */
export type BreaksRecording =
  | "never"
  /** When it strikes; afterwards nobody whom it struck gets an answer. */
  | "at-once"
  /** For as long as it lasts. */
  | "throughout";

/** A fault that was really injected. */
export interface Fault {
  readonly kind: string;
  readonly breaksRecording: BreaksRecording;
  readonly beganMs: number;
  /** When the container was hit; until then the engine was only asked to. */
  readonly struckMs: number;
  readonly endedMs: number;
}
